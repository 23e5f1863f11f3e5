/** What is one JSON object that every reader reads alike, and what only looks like one. RFC 8259, RFC 8725 section 2.6. */
import { describe, expect, it } from '@jest/globals';
import { parseStrictObject, StrictJsonError, type JsonBounds } from '../../../lib/jose/strict-json.js';

const TWICE = 'has a duplicate member';
const PROTO = 'has a member named __proto__';
const DEEP = 'is nested more than 64 levels deep';

/** The fault, or what was read. */
function read(text: string | Buffer, bounds?: JsonBounds): unknown {
  try {
    return parseStrictObject(Buffer.from(text), bounds);
  } catch (error) {
    if (error instanceof StrictJsonError) return error.message;
    throw error;
  }
}

const nested = (levels: number, open: string, close: string): string =>
  open.repeat(levels) + close.repeat(levels);
/** `levels` lists or objects in the one object of the text. */
const LISTS = (levels: number): string => `{"x":${nested(levels, '[', ']')}}`;
const OBJECTS = (levels: number): string => `{"x":${'{"x":'.repeat(levels)}0${'}'.repeat(levels)}}`;

it('finds a duplicate member also where a library has polluted Object.prototype', () => {
  const polluted = Object.prototype as unknown as Record<string, unknown>;
  polluted['x'] = 1;
  try {
    expect(read('{"a":1,"a":2}')).toBe(TWICE);
    expect(read('{"a":{"b":1,"b":2}}')).toBe(TWICE);
    expect(read('{"a":1,"b":2}')).toMatchObject({ a: 1, b: 2 });
  } finally {
    delete polluted['x'];
  }
});

describe('an object', () => {
  it.each([
    '{}',
    '{"a":1}',
    '{"a":{"a":{"a":null}},"b":[{"a":1},{"a":1},"a",["a","a"],null]}',
    '{ "a" : 1 , "b" : [ "a" , "a" ] , "c" : { "a" : 2 } }',
    '{\r\n\t"a"\r\n\t:\r\n\t1,"b"\t:2,"c"\n:3,"d"\r:4}',
    '{"a":"b","b":"a"}',
    '{"a" :"b","b" :"a"}',
    String.raw`{"a":"\"a\":1,\"a\":2","b":"\\","c":"\\\"","d":"}{]["}`,
    String.raw`{"\u0061":1,"b":1}`,
    String.raw`{"a\"b" :1,"a" :2,"b" :3}`,
    String.raw`{"a\\":1,"a":2,"\\a" :3}`,
    '{"_proto_":1,"constructor":{"prototype":1},"toString":2}',
    '{"ä":"Ünïcödé 🔑","a":"\u2028"}',
    '{"a" :[{"b" :1},{"b" :1}],"b" :{"a" :{},"b" :{}}}',
  ])('is read: %s', (text) => {
    expect(read(text)).toEqual(JSON.parse(text));
  });

  it.each([
    ['', 'is not JSON'],
    ['{"a":1', 'is not JSON'],
    ['{"a":1}{', 'is not JSON'],
    ['\ufeff{}', 'is not JSON'],
    ['[{"a":1}]', 'is not an object'],
    ['null', 'is not an object'],
    ['"a"', 'is not an object'],
    ['1', 'is not an object'],
    ['true', 'is not an object'],
  ])('is not what %j is: it %s', (text, fault) => {
    expect(read(text)).toBe(fault);
  });

  it.each(['{"a":"\xff"}', '{"a":"\xc0\xa2"}', '{"a":"\xed\xa0\x80"}'])('is UTF-8: not %j', (text) => {
    expect(read(Buffer.from(text, 'latin1'))).toBe('is not UTF-8');
  });
});

describe('a member that is named twice', () => {
  it.each([
    '{"a":1,"a":1}',
    '{"a":1,"b":2,"a":3}',
    String.raw`{"a":1,"\u0061":2}`,
    String.raw`{"\u0061":1,"a":2}`,
    String.raw`{"a\"b":1,"a\"b":2}`,
    String.raw`{"a\\":1,"a\\":2}`,
    '{"x":{"a":1,"a":2}}',
    '{"x":[1,[{"a":1,"a":2}]]}',
    '{"x":{"y":{}},"z":{},"x":1}',
    '{"x":[[]],"z":[],"x":1}',
    '{"a":"}","a":1}',
    '{"a":"]","a":1}',
    '{"a":[{"b":1}],"a":1}',
    '{"":1,"":2}',
    '{"ä":1,"ä":2}',
  ])('is refused: %s', (text) => {
    expect(read(text)).toBe(TWICE);
  });

  it.each([' ', '\t', '\n', '\r', '\r\n\t '])(
    'is refused with white space (%j) before a colon, or before both',
    (space) => {
      expect(read(`{"a":1,"a"${space}:2}`)).toBe(TWICE);
      expect(read(`{"a"${space}:1,"a":2}`)).toBe(TWICE);
      expect(read(`{"a"${space}:1,"a"${space}:2}`)).toBe(TWICE);
    },
  );

  it.each([
    ['a text in a list', '{"a":1,"a":2,"x":["z"]}'],
    ['a list of texts', '{"a":1,"a":2,"a":3,"x":["yz"]}'],
    ['a text of one character', '{"a":1,"a":"z"}'],
    ['a list', '{"a":1,"a":[0]}'],
    ['a list with a list', '{"a":1,"a":[[0]]}'],
    ['a null', '{"a":1,"a":null}'],
    ['a null in a list', '{"a":1,"a":[null]}'],
    ['an empty object', '{"a":1,"a":{}}'],
    ['a number', '{"a":1,"a":7}'],
  ])('is not made up for by %s, which has no members', (_, text) => {
    expect(read(text)).toBe(TWICE);
  });
});

describe('a member that is named __proto__', () => {
  it.each([
    '{"__proto__":null}',
    '{"a":1,"__proto__":{"b":1}}',
    '{"x":{"__proto__":1}}',
    '{"x":[{"__proto__":{}}]}',
    '{"__proto__" :1}',
    String.raw`{"\u005f_proto__":1}`,
  ])('is refused: %s', (text) => {
    expect(read(text)).toBe(PROTO);
  });

  it('is not a text of that name', () => {
    expect(read('{"a":"__proto__","b":["__proto__"]}')).toEqual({ a: '__proto__', b: ['__proto__'] });
  });
});

describe('what is nested', () => {
  /** With a space before a colon, an object is read name by name. */
  const SPELLINGS: readonly (readonly [name: string, spell: (text: string) => string])[] = [
    ['without spaces', (text) => text],
    ['with a space before a colon', (text) => text.replace('"x":', '"x" :')],
  ];

  it.each(SPELLINGS)('%s is read up to 64 levels, the object itself counts', (_, spell) => {
    for (const text of [LISTS(63), OBJECTS(63)]) {
      const spelt = spell(text);
      expect(read(spelt)).toEqual(JSON.parse(spelt));
    }
  });

  it.each(SPELLINGS)('%s is refused at 65 levels', (_, spell) => {
    expect(read(spell(LISTS(64)))).toBe(DEEP);
    expect(read(spell(OBJECTS(64)))).toBe(DEEP);
    expect(read(spell(LISTS(50_000)))).toBe(DEEP);
  });

  it.each(SPELLINGS)('%s is not what stands side by side, or in a text', (_, spell) => {
    const text = `{"x":[${Array.from({ length: 100 }, () => '[],{}').join(',')}],"y":"${'[{'.repeat(100)}"}`;
    expect(read(spell(text))).toEqual(JSON.parse(text));
  });
});

describe('a text with bounds', () => {
  const bounds = { members: 3, values: 4 };
  const MANY_VALUES = 'has more than 4 values';
  const MANY_MEMBERS = 'is nested too deep, or has more than 3 members';

  it.each([
    ['{"a":1,"b":2,"c":3}', { a: 1, b: 2, c: 3 }],
    ['{"a" :1,"b"\t:2,"c"\n:3}', { a: 1, b: 2, c: 3 }],
    ['{"a":[1,2,3,4,5]}', { a: [1, 2, 3, 4, 5] }],
    ['{"a":"1,2,3,4,"}', { a: '1,2,3,4,' }],
    ['{"a":"::::"}', { a: '::::' }],
  ])('is read up to them: %s', (text, value) => {
    expect(read(text, bounds)).toEqual(value);
  });

  it.each([
    ['{"a":[1,2,3,4,5,6]}', MANY_VALUES],
    ['{"a":"1,2,3,4,5,"}', MANY_VALUES],
    ['{"a":1,"b":2,"c":3,"d":4}', MANY_MEMBERS],
    ['{"a":{"a":{"a":{"a":1}}}}', MANY_MEMBERS],
    ['{"a" :1,"b":2,"c":3,"d":4}', MANY_MEMBERS],
    ['{"a"\t:1,"b"\t:2,"c"\t:3,"d"\t:4}', MANY_MEMBERS],
    ['{"a"\n:1,"b"\n:2,"c"\n:3,"d"\n:4}', MANY_MEMBERS],
    ['{"a"\r:1,"b"\r:2,"c"\r:3,"d"\r:4}', MANY_MEMBERS],
    ['[,,,,,', MANY_VALUES],
    ['{"":{"":{"":{"":', MANY_MEMBERS],
  ])('is refused beyond them, before it is parsed: %s', (text, fault) => {
    expect(read(text, bounds)).toBe(fault);
  });

  it('has no other bounds than its length without them', () => {
    const text = `{${Array.from({ length: 5_000 }, (_, i) => `"m${i}":[1,2]`).join(',')}}`;
    expect(read(text)).toEqual(JSON.parse(text));
  });
});
