/** Nobody changes the claims of a token for the next request, and many tokens take little memory. */
import { freezeClaims } from '../../../lib/token/access-token-claims.js';
import { bytesKeptBy } from '../../support/kept-memory.js';

describe('freezeClaims', () => {
  it('changes no claim, and lets nobody else', () => {
    const claims = {
      iss: 'https://issuer.example',
      aud: 'https://issuer.example',
      client_id: 'app',
      azp: 'app',
      scope: 'x'.repeat(1000),
      realm_access: { roles: ['a'] },
    };
    for (const each of [claims, { ...claims, client_id: 'other', aud: ['a', 'b'] }]) {
      const frozen = freezeClaims(structuredClone(each));
      expect(frozen).toEqual(each);
      expect(() => Reflect.set(frozen, 'sub', 'x') || Reflect.set(frozen, 'aud', 'x')).not.toThrow();
      expect(frozen).toEqual(each);
      expect(Object.isFrozen((frozen['realm_access'] as { roles: unknown }).roles)).toBe(true);
    }
  });

  it('leaves claims as they are that are missing, empty or no texts', () => {
    for (const claims of [{}, { sub: 'ann' }, { iss: '', aud: [], client_id: 7, azp: null, scope: ['a'] }])
      expect(freezeClaims(structuredClone(claims))).toStrictEqual(claims);
  });
});

describe('the memory of claims', () => {
  const TOKENS = 2000;

  it('has what tokens have in common once: texts of up to 256 characters', () => {
    const common = JSON.stringify({
      iss: 'i'.repeat(256),
      aud: 'a'.repeat(256),
      client_id: 'c'.repeat(256),
      azp: 'z'.repeat(256),
      scope: 's'.repeat(256),
    });
    const freezeAll = (): unknown =>
      Array.from({ length: TOKENS }, () => freezeClaims(JSON.parse(common) as Record<string, unknown>));
    expect(bytesKeptBy(freezeAll) / TOKENS).toBeLessThan(256);
  });

  it('has nothing of longer texts when their tokens are forgotten', () => {
    const freezeLong = (): void => {
      for (let i = 0; i < 100; i++) freezeClaims({ scope: Buffer.alloc(100_000, `${i} `).toString() });
    };
    expect(bytesKeptBy(freezeLong)).toBeLessThan(1_000_000);
  });
});
