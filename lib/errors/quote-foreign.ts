/** Values from outside in a log line: escaped, so that they cannot forge one or hide in it, and cut short. */

const MAX_LENGTH = 100;

/**
 * What a terminal acts on or does not show: controls, format characters (those that turn the direction of writing, join or
 * hide), unassigned and private ones, separators of lines, and spaces other than the usual one. JSON escapes only some.
 */
const NOT_PLAIN = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]|(?! )\p{Zs}/gu;

/** A value from a token, a request or a provider as a JSON literal of bounded length, at a bounded cost. */
export function quoteForeign(value: unknown): string {
  // JSON has no word for Infinity.
  if (typeof value === 'number') return String(value);
  const raw = JSON.stringify(new Cutter().cut(value)) ?? String(value);
  const text = raw.slice(0, MAX_LENGTH + 3).replace(NOT_PLAIN, escape);
  return text.length > MAX_LENGTH + 2 ? `${text.slice(0, MAX_LENGTH)}…` : text;
}

/** Copies no more of a value than is shown of it. */
class Cutter {
  /** Characters that the copy may have in JSON, at the least. */
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
      // As a member of its own, whatever its name.
      Object.defineProperty(shown, shownName, {
        value: this.cut(object[name]),
        enumerable: true,
        configurable: true,
      });
    }
    return shown;
  }
}

/** Others bring a form of their own (a date, a URL), and come from this process. */
function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** By code unit, as JSON does: a character beyond the first plane has two. */
function escape(character: string): string {
  return Array.from(
    { length: character.length },
    (_, unit) => `\\u${character.charCodeAt(unit).toString(16).padStart(4, '0')}`,
  ).join('');
}
