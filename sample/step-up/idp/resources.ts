/** Which API are the tokens for, and what may they allow? */
export const BANK = 'http://localhost:4061';
export const SCOPES = ['account', 'pay'] as const;

/** How somebody signed in, the weaker way first (OpenID Connect Core, `acr`). */
export const PASSWORD = 'urn:example:password';
export const OTP = 'urn:example:otp';
