/** Values from outside in a log line: one line, nothing hidden, of bounded length and cost. */
import { assert, constantFrom, jsonValue, property, string } from 'fast-check';
import { quoteForeign } from '../../../lib/errors/quote-foreign.js';

describe('quoteForeign', () => {
  it.each<[string, unknown, string]>([
    ['a line break', 'a\nb', String.raw`"a\nb"`],
    ['an escape sequence', '\u001b[2J', String.raw`"\u001b[2J"`],
    ['a C1 control', '\u009b2J', String.raw`"\u009b2J"`],
    ['a separator of lines', 'a\u2028b', String.raw`"a\u2028b"`],
    ['a change of direction', 'a\u202egpj.exe', String.raw`"a\u202egpj.exe"`],
    ['an isolate', '\u2066a\u2069', String.raw`"\u2066a\u2069"`],
    ['a joiner of no width', 'a\u200db', String.raw`"a\u200db"`],
    ['a space of no width', 'a\u200bb', String.raw`"a\u200bb"`],
    ['a byte order mark', '\ufeffa', String.raw`"\ufeffa"`],
    ['a soft hyphen', 'a\u00adb', String.raw`"a\u00adb"`],
    ['a tag beyond the first plane', 'a\u{e0041}b', String.raw`"a\udb40\udc41b"`],
    ['a variation selector', 'a\ufe0fb', String.raw`"a\ufe0fb"`],
    ['a filler', 'a\u3164b', String.raw`"a\u3164b"`],
    ['a space that does not break', 'a\u00a0b', String.raw`"a\u00a0b"`],
    ['a private character', 'a\ue000b', String.raw`"a\ue000b"`],
    ['half a pair', 'a\ud800b', String.raw`"a\ud800b"`],
    ['in a list', ['\u202e', { '\u202e': '\u202e' }], String.raw`["\u202e",{"\u202e":"\u202e"}]`],
    ['what is plain', 'Zoë Müller 日本 🔑 a b', '"Zoë Müller 日本 🔑 a b"'],
    ['infinity', Infinity, 'Infinity'],
    ['undefined', undefined, 'undefined'],
    ['null', null, 'null'],
    ['a member that would be a prototype', JSON.parse('{"__proto__":1}'), '{"__proto__":1}'],
    ['a date', new Date(0), '"1970-01-01T00:00:00.000Z"'],
  ])('%s', (_, value, quoted) => {
    expect(quoteForeign(value)).toBe(quoted);
  });

  it('is what JSON says, cut after a hundred characters', () => {
    const plain = string({ unit: constantFrom(...Array.from('ab"\\/[]{}:, 0')), maxLength: 150 });
    assert(
      property(jsonValue({ maxDepth: 4, depthSize: 'large' }), plain, (value, text) => {
        for (const each of [value, text, [text, value], { [text]: text, value }]) {
          const json = JSON.stringify(each);
          if (/[^ -~]/.test(json) || typeof each === 'number') continue;
          expect(quoteForeign(each)).toBe(json.length > 102 ? `${json.slice(0, 100)}…` : json);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('reads no more of a value than it shows', () => {
    let reads = 0;
    const counting = <T extends object>(target: T): T =>
      new Proxy(target, {
        get: (list, name, receiver) => {
          reads += 1;
          return Reflect.get(list, name, receiver) as unknown;
        },
      });
    quoteForeign(counting(Array.from({ length: 100_000 }, () => '')));
    quoteForeign(counting(Array.from({ length: 100_000 }, () => [])));
    quoteForeign(counting(Array.from({ length: 100_000 }, () => 'x'.repeat(1_000))));
    expect(reads).toBeLessThan(500);
    expect(quoteForeign(Array.from({ length: 100_000 }, () => ''))).toHaveLength(101);
  });
});
