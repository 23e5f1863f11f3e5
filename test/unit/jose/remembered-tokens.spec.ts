/** What is known of a token is found again for this token alone, and is forgotten for good. */
import { describe, expect, it } from '@jest/globals';
import { RememberedTokens } from '../../../lib/jose/remembered-tokens.js';

interface Known {
  readonly token: string;
  readonly says: string;
}

const END = 'e'.repeat(32);
/** Three tokens with the same last 32 characters, and one with others. */
const [A, B, C, OTHER] = [`a${END}`, `b${END}`, `c${END}`, `a${'o'.repeat(32)}`] as const;
const known = (token: string, says = token): Known => ({ token, says });

function remember(max: number, ...tokens: readonly string[]): RememberedTokens<Known> {
  const remembered = new RememberedTokens<Known>(max);
  for (const token of tokens) remembered.set(known(token));
  return remembered;
}

const found = (remembered: RememberedTokens<Known>, ...tokens: readonly string[]): unknown[] =>
  tokens.map((token) => remembered.get(token)?.says);

describe('a token', () => {
  it('is not known before it is remembered', () => {
    const none = remember(10);
    expect(found(none, A)).toEqual([undefined]);
    expect(none.delete(A)).toBe(false);
    expect(none.forget(() => true)).toEqual([]);
  });

  it('is found by all its characters, also where the last ones are those of others', () => {
    const remembered = remember(10, A, B, C, OTHER);
    expect(found(remembered, A, B, C, OTHER)).toEqual([A, B, C, OTHER]);
    expect(found(remembered, `d${END}`, END, `${A} `, OTHER.slice(1), '')).toEqual(
      Array.from({ length: 5 }, () => undefined),
    );
  });

  it.each([A, B])('is known as was said last', (token) => {
    const remembered = remember(10, A, B);
    remembered.set(known(token, 'anew'));
    expect(found(remembered, A, B)).toEqual([A, B].map((each) => (each === token ? 'anew' : each)));
  });

  it('may be shorter than what it is found by', () => {
    const remembered = remember(10, 'short', 't');
    expect(found(remembered, 'short', 't', 'hort')).toEqual(['short', 't', undefined]);
    expect(remembered.delete('short')).toBe(true);
    expect(found(remembered, 'short', 't')).toEqual([undefined, 't']);
  });

  it('is forgotten for good, and no other with it', () => {
    const remembered = remember(10, A, B, C, OTHER);
    expect([remembered.delete(B), remembered.delete(B)]).toEqual([true, false]);
    expect(found(remembered, A, B, C, OTHER)).toEqual([A, undefined, C, OTHER]);
    expect([remembered.delete(A), remembered.delete(A)]).toEqual([true, false]);
    expect(found(remembered, A, B, C, OTHER)).toEqual([undefined, undefined, C, OTHER]);
    expect(remembered.delete(`d${END}`)).toBe(false);
    expect(found(remembered, C, OTHER)).toEqual([C, OTHER]);
  });

  it('leaves nothing behind where it takes the place of another with the same end', () => {
    const remembered = remember(1, A, B);
    remembered.delete(A);
    remembered.set(known(B, 'anew'));
    expect(found(remembered, B)).toEqual(['anew']);
    remembered.set(known(OTHER));
    expect(found(remembered, B, OTHER)).toEqual([undefined, OTHER]);
  });
});

describe('tokens that are picked', () => {
  it('are forgotten and named, the others stay', () => {
    const remembered = remember(10, A, B, C, OTHER);
    expect(remembered.forget(({ says }) => says === A || says === C).toSorted()).toEqual([A, C]);
    expect(found(remembered, A, B, C, OTHER)).toEqual([undefined, B, undefined, OTHER]);
    expect(remembered.forget(() => true).toSorted()).toEqual([OTHER, B]);
    expect(found(remembered, B, OTHER)).toEqual([undefined, undefined]);
  });
});

describe('tokens beyond the bounds', () => {
  const tokenOf = (end: string, length = 40): string => end.padStart(length, 'x');

  it('go, the least recently used first', () => {
    const [first, second, third] = ['1', '2', '3'].map((end) => tokenOf(end)) as [string, string, string];
    const remembered = remember(2, first, second);
    expect(found(remembered, first)).toEqual([first]);
    remembered.set(known(third));
    expect(found(remembered, first, second, third)).toEqual([first, undefined, third]);
  });

  it('are not kept by those whose end they have', () => {
    const remembered = remember(2, tokenOf('1'));
    remembered.set(known(tokenOf('2')));
    // Has the end of the first one, which is not used by that.
    remembered.set(known(`other${tokenOf('1')}`));
    remembered.set(known(tokenOf('3')));
    expect(found(remembered, tokenOf('1'), tokenOf('2'), tokenOf('3'))).toEqual([
      undefined,
      tokenOf('2'),
      tokenOf('3'),
    ]);
  });

  it('are counted by their characters, too: 1,500 for each', () => {
    const [short, long] = [tokenOf('1', 100), tokenOf('2', 2_900)];
    const remembered = remember(2, short, long);
    expect(found(remembered, short, long)).toEqual([short, long]);
    remembered.set(known(tokenOf('3', 101)));
    expect(found(remembered, short, long, tokenOf('3', 101))).toEqual([
      undefined,
      undefined,
      tokenOf('3', 101),
    ]);
    remembered.set(known(tokenOf('4', 3_001)));
    expect(found(remembered, tokenOf('4', 3_001), tokenOf('3', 101))).toEqual([undefined, tokenOf('3', 101)]);
  });

  it('go among those with the same end, too', () => {
    const remembered = remember(2, A, B, C, `d${END}`);
    expect(found(remembered, A, B, C, `d${END}`)).toEqual([A, undefined, C, `d${END}`]);
  });
});
