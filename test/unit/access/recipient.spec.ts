/** Whether a route accepts the issuer of a token and its audience. */
import { checkRecipient, isNamed, type Accepting } from '../../../lib/access/recipient.js';
import { TokenError } from '../../../lib/errors/auth.errors.js';

const ORDERS = 'https://api.example/orders';
const INVOICES = 'https://api.example/invoices';
const STAFF = { name: 'staff', issuer: 'https://staff.example/realm' };

const any: Accepting = { issuers: [], audience: undefined };

/** Why not, as reason and detail; `undefined`: it is accepted. */
function refusal(
  accepting: Partial<Accepting>,
  aud: string | readonly string[] | undefined = ORDERS,
  audiences: string | readonly string[] = [ORDERS, INVOICES],
): readonly unknown[] | undefined {
  const claims = { iss: STAFF.issuer, ...(aud !== undefined && { aud }) };
  const error = checkRecipient({ claims, issuer: STAFF }, { ...any, ...accepting }, audiences);
  if (error === undefined) return undefined;
  expect(error).toBeInstanceOf(TokenError);
  return [error.code, error.reason, error.detail];
}

describe('an issuer', () => {
  it.each<[issuers: readonly (readonly string[])[]]>([
    [[]],
    [[['staff']]],
    [[['customers', 'staff']]],
    [[['https://staff.example/realm']]],
    [[['https://staff.example/realm/']]],
    [[['staff'], ['customers', 'https://staff.example/realm']]],
  ])('is one of %j', (issuers) => {
    expect(refusal({ issuers })).toBeUndefined();
  });

  it.each<[issuers: readonly (readonly string[])[]]>([
    [[['customers']]],
    [[[]]],
    [[['staff'], ['customers']]],
    [[['customers'], ['staff']]],
    [[['https://staff.example']]],
    [[['staff/']]],
  ])('is none of %j', (issuers) => {
    expect(refusal({ issuers })).toEqual(['invalid_token', 'issuer', '@Issuers() does not name "staff"']);
  });

  it('is named by its name, or by its address with or without a slash at the end', () => {
    const slashed = { name: 'default', issuer: 'https://issuer.example/' };
    const names = ['default', 'https://issuer.example', 'https://issuer.example/', 'Default', ''];
    expect(names.map((name) => isNamed(slashed, [name]))).toEqual([true, true, true, false, false]);
    expect(isNamed(slashed, [])).toBe(false);
  });
});

describe('an audience', () => {
  it.each<[aud: string | readonly string[]]>([[ORDERS], [[ORDERS]], [[INVOICES, ORDERS]]])(
    'that %j names is accepted',
    (aud) => {
      expect(refusal({ audience: ORDERS }, aud)).toBeUndefined();
      expect(refusal({ audience: ORDERS }, aud, ORDERS)).toBeUndefined();
    },
  );

  it.each<[aud: string | readonly string[], detail: string]>([
    [INVOICES, `aud is "${INVOICES}", @Audience() requires "${ORDERS}"`],
    [[INVOICES], `aud is ["${INVOICES}"], @Audience() requires "${ORDERS}"`],
    [`${ORDERS}/7`, `aud is "${ORDERS}/7", @Audience() requires "${ORDERS}"`],
    [[], `aud is [], @Audience() requires "${ORDERS}"`],
  ])('that %j does not name is refused', (aud, detail) => {
    expect(refusal({ audience: ORDERS }, aud)).toEqual(['invalid_token', 'audience', detail]);
  });

  it('is refused for a token without aud', () => {
    const issuer = { ...STAFF };
    const claims = { iss: STAFF.issuer };
    expect(checkRecipient({ claims, issuer }, { ...any, audience: ORDERS }, ORDERS)?.detail).toBe(
      `aud is undefined, @Audience() requires "${ORDERS}"`,
    );
    expect(checkRecipient({ claims, issuer }, any, ORDERS)).toBeUndefined();
  });

  it.each([INVOICES, [INVOICES], []])('is refused where it is none of the issuer (%j)', (audiences) => {
    expect(refusal({ audience: ORDERS }, [ORDERS, INVOICES], audiences)).toEqual([
      'invalid_token',
      'audience',
      `@Audience() requires "${ORDERS}", which is not an audience of the issuer "staff"`,
    ]);
  });

  it('is looked at after the issuer', () => {
    expect(refusal({ audience: ORDERS, issuers: [['customers']] }, INVOICES)?.[1]).toBe('issuer');
    expect(refusal({ audience: ORDERS, issuers: [['staff']] }, INVOICES)?.[1]).toBe('audience');
  });
});
