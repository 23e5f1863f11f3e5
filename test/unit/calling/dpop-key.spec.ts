/** The key of this process: proofs by the true time, and what becomes of answers and failures. */
import { DPoPKey } from '../../../lib/calling/dpop-key.js';
import { holdClock } from '../../support/clock.js';
import { claimsIn } from '../../support/token-requests.js';
import { nowInSeconds } from '../../support/tokens.js';

const API = new URL('https://products.example.com/products?a=b');

/** What a request is sent with. */
async function headersOf(key: DPoPKey, token = 'the-token'): Promise<Readonly<Record<string, string>>> {
  let sent: Readonly<Record<string, string>> = {};
  await key.send(token, 'GET', API, (headers) => {
    sent = headers;
    return Promise.resolve(new Response());
  });
  return sent;
}
const jwkIn = (proof = ''): unknown =>
  (JSON.parse(Buffer.from(proof.split('.')[0] ?? '', 'base64url').toString()) as { jwk: unknown }).jwk;

describe('DPoPKey', () => {
  it('is made once, also for requests at the same time; another process has another one', async () => {
    const key = new DPoPKey({ clockSkew: 0 });
    const [one, two] = await Promise.all([headersOf(key), headersOf(key)]);
    expect(jwkIn(one['dpop'])).toEqual(jwkIn(two['dpop']));
    expect(one['dpop']).not.toBe(two['dpop']);
    expect(jwkIn((await headersOf(new DPoPKey({ clockSkew: 0 })))['dpop'])).not.toEqual(jwkIn(one['dpop']));
  });

  it.each([0, 300, -300])(
    'makes proofs by the true time, with a clock that is %d s ahead',
    async (clockSkew) => {
      holdClock();
      const { dpop = '' } = await headersOf(new DPoPKey({ clockSkew }));
      expect(Math.abs(Number(claimsIn(dpop)['iat']) - (nowInSeconds() - clockSkew))).toBeLessThanOrEqual(1);
    },
  );

  it('sends nothing but the token and the proof, which says nothing of the query', async () => {
    const headers = await headersOf(new DPoPKey({ clockSkew: 0 }));
    expect(Object.keys(headers).toSorted()).toEqual(['authorization', 'dpop']);
    expect(headers['authorization']).toBe('DPoP the-token');
    expect(claimsIn(headers['dpop'] ?? '')['htu']).toBe('https://products.example.com/products');
  });

  it.each<[string, number, Record<string, string>, boolean]>([
    ['a good answer', 200, {}, false],
    ['a good answer with a nonce', 200, { 'dpop-nonce': 'n' }, false],
    ['a refusal', 401, {}, false],
    ['another challenge', 401, { 'www-authenticate': 'DPoP error="invalid_token"' }, false],
    ['a challenge of another scheme', 401, { 'www-authenticate': 'Bearer error="use_dpop_nonce"' }, false],
    ['a failure', 500, {}, false],
    [
      'a challenge for a nonce',
      401,
      { 'www-authenticate': 'DPoP error="use_dpop_nonce"', 'dpop-nonce': 'n' },
      true,
    ],
  ])('hands over %s', async (_, status, headers, requiresNonce) => {
    const response = new Response('said', { status, headers });
    const answer = await new DPoPKey({ clockSkew: 0 }).send('t', 'GET', API, () => Promise.resolve(response));
    expect(answer).toEqual({ response, requiresNonce });
    expect(await answer.response.text()).toBe('said');
  });

  it('remembers the nonce of each server for itself', async () => {
    const key = new DPoPKey({ clockSkew: 0 });
    const nonce = (): Promise<Response> =>
      Promise.resolve(new Response(null, { headers: { 'dpop-nonce': 'n' } }));
    await key.send('t', 'GET', API, nonce);
    expect(claimsIn((await headersOf(key))['dpop'] ?? '')['nonce']).toBe('n');
    let proof = '';
    await key.send('t', 'GET', new URL('https://elsewhere.example.com'), ({ dpop = '' }) => {
      proof = dpop;
      return Promise.resolve(new Response());
    });
    expect(claimsIn(proof)['nonce']).toBeUndefined();
  });

  it('rejects with what sending rejects with', async () => {
    const failure = new TypeError('fetch failed');
    const sending = new DPoPKey({ clockSkew: 0 }).send('t', 'GET', API, () => Promise.reject(failure));
    await expect(sending).rejects.toBe(failure);
  });
});
