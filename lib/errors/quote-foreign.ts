/** Quotes external values for log lines: escaped, so that they cannot forge a line or hide in one, and truncated. */

const MAX_LENGTH = 100;

/**
 * Characters that a terminal interprets or does not display: control characters, format characters (which change the writing
 * direction, join or hide), unassigned and private ones, line and paragraph separators, and spaces other than U+0020. JSON
 * escapes only some of them.
 */
const NOT_PLAIN = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]|(?! )\p{Zs}/gu;

/** Returns a value from a token, a request or a provider as a JSON literal of bounded length, at a bounded cost. */
export function quoteForeign(value: unknown): string {
  // JSON has no literal for Infinity.
  if (typeof value === 'number') return String(value);
  const raw = JSON.stringify(new Cutter().cut(value)) ?? String(value);
  const text = raw.slice(0, MAX_LENGTH + 3).replace(NOT_PLAIN, escape);
  return text.length > MAX_LENGTH + 2 ? `${text.slice(0, MAX_LENGTH)}…` : text;
}

/** Copies only as much of a value as is shown. */
class Cutter {
  /** The remaining budget of characters. Each value uses at most the length that it has in JSON. */
  #left = MAX_LENGTH + 3;

  cut(value: unknown): unknown {
    if (typeof value === 'string') {
      const shown = value.slice(0, MAX_LENGTH + 1);
      this.#left -= shown.length + 2;
      return shown;
    }
    this.#left -= 1;
    if (Array.isArray(value)) return this.#cutList(value);
    return isPlainObject(value) ? this.#cutObject(value) : value;
  }

  #cutList(list: readonly unknown[]): unknown[] {
    const shown: unknown[] = [];
    for (const item of list) {
      if (this.#left <= 0) break;
      shown.push(this.cut(item));
      this.#left -= 1;
    }
    return shown;
  }

  #cutObject(object: Readonly<Record<string, unknown>>): Record<string, unknown> {
    const shown: Record<string, unknown> = {};
    for (const name in object) {
      if (this.#left <= 0) break;
      const shownName = this.cut(name) as string;
      // Creates an own property for any name, such as `__proto__`.
      Object.defineProperty(shown, shownName, {
        value: this.cut(object[name]),
        enumerable: true,
        configurable: true,
      });
    }
    return shown;
  }
}

/** Other objects (a date, a URL) have a JSON form of their own, and are created by this process, not by a client. */
function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Escapes each code unit, as JSON does: a character outside the Basic Multilingual Plane has two. */
function escape(character: string): string {
  return Array.from(
    { length: character.length },
    (_, unit) => `\\u${character.charCodeAt(unit).toString(16).padStart(4, '0')}`,
  ).join('');
}
