/** Is this what the API was to send? Looked at once, here; a page never has to. */
import 'server-only';
import type { Outcome } from './call-api';

/** @param shape the members of each, and what `typeof` says of them */
export function readList<Item>(
  outcome: Outcome<unknown>,
  shape: Readonly<Record<keyof Item, string>>,
): Outcome<readonly Item[]> {
  if ('refusal' in outcome) return outcome;
  const { data } = outcome;
  if (!Array.isArray(data)) throw new TypeError('the API did not send a list');
  return { data: data.filter((each): each is Item => fits(each, shape)) };
}

function fits(each: unknown, shape: Readonly<Record<string, string>>): boolean {
  const members = Object(each) as Record<string, unknown>;
  return Object.entries(shape).every(([name, type]) => typeof members[name] === type);
}
