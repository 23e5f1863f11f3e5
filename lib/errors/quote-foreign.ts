/** How may a value from outside stand in a log line? Escaped, so that it cannot forge one, and cut short. */

const LONGEST = 100;

/** A value from a token, a request or a provider as a JSON literal of bounded length. */
export function quoteForeign(value: unknown): string {
  const text =
    JSON.stringify(typeof value === 'string' ? value.slice(0, LONGEST + 1) : value) ?? String(value);
  return text.length > LONGEST + 2 ? `${text.slice(0, LONGEST)}…` : text;
}
