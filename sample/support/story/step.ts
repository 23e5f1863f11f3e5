/** What is one line of a story? Who comes with which credentials, asks for what, and has to get which answer. */
export interface Step {
  readonly story: string;
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly url: string;
  /** The header of that name; empty: none is sent. */
  readonly authorization: string;
  /** A form, or what goes as JSON. */
  readonly body?: unknown;
  /** Sends it, where that takes more than the above. */
  readonly send?: () => Promise<Response>;
  readonly expected: number;
  /** What a refusal has to say in `WWW-Authenticate`, or what the data of a success has to contain. */
  readonly says: RegExp;
  /** How many times the authorization server is asked meanwhile, in stories that count that. */
  readonly asks?: number;
  /** Printed above it. */
  readonly chapter?: string;
}

/** RFC 6750 section 2.1. Without a token, nothing. */
export function bearer(token: string): string {
  return token && `Bearer ${token}`;
}
