import { normalizeUri } from '../../../lib/credentials/normalize-uri.js';

describe('normalizeUri', () => {
  it.each([
    ['HTTPS://API.Example.com:443/a/../b?c#d', 'https://api.example.com/b'],
    ['https://api.example.com/%7Euser%2fx', 'https://api.example.com/~user%2Fx'],
    ['ftp://api.example.com/', undefined],
    ['https://user@api.example.com/', undefined],
    ['https://[/', undefined],
    ['/things', undefined],
    ['https://bücher.example/a', 'https://xn--bcher-kva.example/a'],
  ])('%s: %s', (uri, normal) => expect(normalizeUri(uri)).toBe(normal));
});
