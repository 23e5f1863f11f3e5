/** What is read of an answer of the token endpoint, at the bounds. */
import {
  oauthErrorOf,
  providerErrorOf,
  readIssuedToken,
  type Expected,
} from '../../../lib/calling/token-answer.js';
import { ProviderUnavailableError } from '../../../lib/errors/auth.errors.js';
import type { ProviderAnswer } from '../../../lib/issuer/provider-answer.js';

const URL = 'https://issuer.example.com/token?tenant=private';
const answer = (members: unknown, status = 200): ProviderAnswer => ({
  url: URL,
  status,
  headers: new Headers(),
  body: typeof members === 'string' ? members : JSON.stringify(members),
});
const good = (members: object = {}): ProviderAnswer =>
  answer({ access_token: 'abc', token_type: 'Bearer', ...members });
const BEARER: Expected = { dpop: false, subject: undefined };

describe('readIssuedToken', () => {
  it.each([
    ['a'.repeat(65_536), true],
    ['a'.repeat(65_537), false],
    ['a-._~+/b==', true],
    ['=', false],
    ['a=b', false],
    ['ä', false],
    ['a\n', false],
  ])('takes what can stand in a header, up to 64 KiB: %#', (token, isTaken) => {
    const read = (): unknown => readIssuedToken(good({ access_token: token }), BEARER);
    if (isTaken) expect(read()).toEqual({ accessToken: token, expiresIn: undefined });
    else expect(read).toThrow(ProviderUnavailableError);
  });

  it.each([
    [600, 600],
    [0.5, 0.5],
    ['600', 600],
    ['000600', 600],
    ['9'.repeat(15), 999_999_999_999_999],
    ['9'.repeat(16), undefined],
    ['', undefined],
    ['1e3', undefined],
    [' 600', undefined],
    ['600.5', undefined],
    [0, undefined],
    ['0', undefined],
    [-1, undefined],
    [true, undefined],
    [[600], undefined],
  ])('reads expires_in %p as %p', (expires_in, expiresIn) => {
    expect(readIssuedToken(good({ expires_in }), BEARER).expiresIn).toBe(expiresIn);
  });

  it.each([
    ['DPoP', true],
    ['dpop', true],
    ['Bearer', false],
  ])('takes token_type %s for a token that is to be bound: %p', (token_type, isTaken) => {
    const read = (): unknown => readIssuedToken(good({ token_type }), { ...BEARER, dpop: true });
    if (isTaken) expect(read).not.toThrow();
    else expect(read).toThrow(ProviderUnavailableError);
  });

  it.each([
    [undefined, true],
    ['urn:ietf:params:oauth:token-type:access_token', true],
    ['urn:ietf:params:oauth:token-type:jwt', true],
    ['urn:ietf:params:oauth:token-type:JWT', false],
    ['urn:ietf:params:oauth:token-type:id_token', false],
    [null, false],
    ['', false],
  ])('takes issued_token_type %p: %p', (issued_token_type, isTaken) => {
    const read = (): unknown => readIssuedToken(good({ issued_token_type }), BEARER);
    if (isTaken) expect(read).not.toThrow();
    else expect(read).toThrow(ProviderUnavailableError);
  });

  it('names neither the query of the address nor the token', () => {
    const subject = 'the-token-of-the-caller';
    const read = (): unknown => readIssuedToken(good({ access_token: subject }), { ...BEARER, subject });
    expect(read).toThrow(
      expect.objectContaining({
        detail: "https://issuer.example.com/token: answered with the caller's own token",
      }),
    );
  });

  it.each([201, 204, 302, 400])('takes no token from an answer with status %d', (status) => {
    expect(() => readIssuedToken({ ...good(), status }, BEARER)).toThrow(ProviderUnavailableError);
  });
});

describe('oauthErrorOf', () => {
  it.each([
    [400, { error: 'invalid_grant' }, 'invalid_grant'],
    [599, { error: 'server_error' }, 'server_error'],
    [399, { error: 'invalid_grant' }, undefined],
    [200, { error: 'invalid_grant' }, undefined],
    [400, { error: '' }, undefined],
    [400, { error: 7 }, undefined],
    [400, {}, undefined],
    [400, '{"error":"invalid_grant","error":"invalid_client"}', undefined],
    [400, { error: 'a'.repeat(60) }, 'a'.repeat(60)],
    [400, { error: 'a'.repeat(61) }, 'unknown_error'],
    [400, { error: 'Invalid_Grant' }, 'unknown_error'],
    [400, { error: 'invalid__grant' }, 'unknown_error'],
    [400, { error: 'invalid_grant\n' }, 'unknown_error'],
    [400, { error: 'AADSTS50013: eyJhbGciOi' }, 'unknown_error'],
  ])('reads of status %d and %p: %p', (status, members, error) => {
    expect(oauthErrorOf(answer(members, status))).toBe(error);
  });
});

describe('providerErrorOf', () => {
  const refused = (error: string, members: object = {}, hasCaller = true) =>
    providerErrorOf(error, answer({ error, ...members }, 400), 'clientId', hasCaller);

  it.each([
    ['invalid_grant', true, 403],
    ['invalid_grant', false, 500],
    ['interaction_required', false, 500],
    ['invalid_client', true, 500],
    ['unknown_error', true, 403],
    ['temporarily_unavailable', true, 503],
    ['temporarily_unavailable', false, 503],
  ])('is for %s, with a caller %p, %d', (error, hasCaller, status) => {
    expect(refused(error, {}, hasCaller)).toMatchObject({ error, status });
  });

  it('says what to check where only the operator can mend it, without the query of the address', () => {
    expect(refused('invalid_client').detail).toBe(
      'https://issuer.example.com/token answered 400 invalid_client: check clientId',
    );
    expect(refused('invalid_grant').detail).toBe(
      'https://issuer.example.com/token answered 400 invalid_grant',
    );
  });

  it.each<[object, object]>([
    [{ max_age: 0 }, { max_age: '0' }],
    [{ max_age: '300' }, { max_age: '300' }],
    [{ max_age: -1 }, {}],
    [{ max_age: 1.5 }, {}],
    [{ max_age: 2 ** 53 }, {}],
    [{ max_age: '12345678901' }, {}],
    [{ max_age: '' }, {}],
    [{ max_age: true }, {}],
    [{ acr_values: 'gold silver' }, { acr_values: 'gold silver' }],
    [{ acr_values: 'a'.repeat(500) }, { acr_values: 'a'.repeat(500) }],
    [{ acr_values: 'a'.repeat(501) }, {}],
    [{ acr_values: '' }, {}],
    [{ acr_values: 'a", error="none' }, {}],
    [{ acr_values: 'a\\' }, {}],
    [{ acr_values: 'a\r\nb' }, {}],
    [{ acr_values: ['gold'] }, {}],
    [{ claims: '{"a":"ä"}' }, { claims: Buffer.from('{"a":"ä"}').toString('base64') }],
    [{ claims: 'a'.repeat(4096) }, { claims: Buffer.from('a'.repeat(4096)).toString('base64') }],
    [{ claims: 'a'.repeat(4097) }, {}],
    [{ claims: {} }, {}],
  ])('challenges with what can stand there: %#', (members, expected) => {
    const { challengeParameters = [] } = refused('interaction_required', members);
    const { error, error_description, ...rest } = Object.fromEntries(challengeParameters);
    expect([error, typeof error_description]).toEqual(['insufficient_user_authentication', 'string']);
    expect(rest).toEqual(expected);
    expect(refused('invalid_grant', members).challengeParameters).toBeUndefined();
  });
});
