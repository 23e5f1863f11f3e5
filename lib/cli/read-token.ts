/** Reads the token from standard input, which other users cannot read. */
import { UsageError } from './usage-error.js';

/** In characters; longer than any token that is accepted. */
const MAX_INPUT_LENGTH = 1_000_000;

/** Standard input, or a substitute in tests. */
export type TokenInput = AsyncIterable<unknown> & { readonly isTTY?: boolean };

/** @throws {UsageError} if there is no token, or the input is too long */
export async function readToken(
  input: TokenInput,
  prompt: { write(text: string): unknown },
): Promise<string> {
  if (input.isTTY) prompt.write('Paste the token, then Enter and Ctrl-D:\n');
  let text = '';
  for await (const chunk of input) {
    text += String(chunk);
    if (text.length > MAX_INPUT_LENGTH) throw new UsageError('standard input is too long for a token');
  }
  // A token copied from a request may follow the header's name and the scheme.
  const token = text.trim().replace(/^(authorization:\s*)?((bearer|dpop)\s+)?/i, '');
  if (token === '') throw new UsageError('standard input has no token');
  return token;
}
