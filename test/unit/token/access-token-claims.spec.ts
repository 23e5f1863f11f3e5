import { freezeClaims } from '../../../lib/token/access-token-claims.js';

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
});
