/** What is shown of addresses, and of text with addresses in it. */
import { hideSecretsOfAddresses, quoteAddress } from '../../../lib/errors/quote-address.js';

it.each([
  ['https://issuer.example/path', '"https://issuer.example/path"'],
  ['https://user:secret@issuer.example/path', '"https://…@issuer.example/path"'],
  ['https://secret@issuer.example', '"https://…@issuer.example"'],
  ['https://user:sec@ret@issuer.example', '"https://…@issuer.example"'],
  ['https://user:se/cret@issuer.example', '"https://…@issuer.example"'],
  ['https://user:sec\nret@issuer.example', '"https://…@issuer.example"'],
  ['user:secret@issuer.example', '"…@issuer.example"'],
  ['https://issuer.example/?key=secret', '"https://issuer.example/?…"'],
  ['https://issuer.example/#secret', '"https://issuer.example/?…"'],
  [7, '7'],
])('%j is shown as %s', (address, shown) => {
  expect(quoteAddress(address)).toBe(shown);
});

it.each([
  ['connect ECONNREFUSED 127.0.0.1:443', 'connect ECONNREFUSED 127.0.0.1:443'],
  ['what? who@example.com', 'what? who@example.com'],
  ['no https://a.example/x', 'no https://a.example/x'],
  [
    'Request cannot be constructed from a URL that includes credentials: http://user:secret@a.example/x',
    'Request cannot be constructed from a URL that includes credentials: http://…@a.example/x',
  ],
  ['socks5://u:secret@proxy:1080 and HTTP://u:secret@b?secret', 'socks5://…@proxy:1080 and HTTP://…@b?…'],
])('%s becomes %s', (text, shown) => {
  expect(hideSecretsOfAddresses(text)).toBe(shown);
});
