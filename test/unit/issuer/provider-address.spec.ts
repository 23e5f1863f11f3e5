/** Which addresses may be asked, for which issuer. */
import { checkAddress } from '../../../lib/issuer/provider-address.js';

const ELSEWHERE = { issuer: 'https://issuer.example', allowInsecureRequests: false };
const HERE = { issuer: 'http://localhost:8080/realms/a', allowInsecureRequests: false };

const mayAsk = (address: string, options: Parameters<typeof checkAddress>[1]): boolean => {
  try {
    checkAddress(address, options);
    return true;
  } catch {
    return false;
  }
};

it.each([
  ['https://issuer.example/jwks', true, true],
  ['https://keys.example/jwks', true, true],
  ['https://127.0.0.1/jwks', true, true],
  ['http://issuer.example/jwks', false, false],
  ['http://127.0.0.1:8080/jwks', false, true],
  ['http://127.9.9.9/jwks', false, true],
  ['http://localhost/jwks', false, true],
  ['http://x.localhost/jwks', false, true],
  ['http://[::1]:1/jwks', false, true],
  ['http://2130706433/jwks', false, true],
  ['http://127.0.0.1.example/jwks', false, false],
  ['http://0.0.0.0/jwks', false, false],
  ['ftp://127.0.0.1/jwks', false, false],
  ['file:///etc/passwd', false, false],
  ['https://user:secret@issuer.example/jwks', false, false],
  ['https://user@issuer.example/jwks', false, false],
  ['http://user:secret@127.0.0.1/jwks', false, false],
  ['jwks', false, false],
])('%s: %s for an issuer elsewhere, %s for one on this machine', (address, elsewhere, here) => {
  expect([mayAsk(address, ELSEWHERE), mayAsk(address, HERE)]).toEqual([elsewhere, here]);
});

it.each(['jwksUri', 'introspectionEndpoint'])(
  'an address on this machine may be asked where %s names it',
  (option) => {
    const options = { ...ELSEWHERE, [option]: 'http://127.0.0.1:9000/x' };
    expect(mayAsk('http://127.0.0.1:9000/y', options)).toBe(true);
    expect(mayAsk('http://127.0.0.1:9001/x', options)).toBe(false);
  },
);

it('any address by http may be asked with allowInsecureRequests, none with credentials', () => {
  const insecure = { ...ELSEWHERE, allowInsecureRequests: true };
  expect(mayAsk('http://127.0.0.1/jwks', insecure)).toBe(true);
  expect(mayAsk('http://issuer.example/jwks', insecure)).toBe(true);
  expect(mayAsk('http://u:p@issuer.example/jwks', insecure)).toBe(false);
});
