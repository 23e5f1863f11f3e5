/** Which token is asked about? From standard input, where nobody else can read it. */
import { UsageError } from './usage-error.js';

/** Longer than any token that is looked at. */
const MAX_INPUT_LENGTH = 1_000_000;

/** Standard input, or what stands in for it. */
export type TokenInput = AsyncIterable<unknown> & { readonly isTTY?: boolean };

/** @throws {UsageError} if there is none */
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
  // Copied out of a request, it has the header's name and the scheme before it.
  const token = text.trim().replace(/^(authorization:\s*)?((bearer|dpop)\s+)?/i, '');
  if (token === '') throw new UsageError('standard input has no token');
  return token;
}
