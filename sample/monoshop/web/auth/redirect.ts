/** How is a browser sent elsewhere? By GET, whatever it came with, and nobody keeps the answer. */
import 'server-only';
import { readOrigin } from './settings';

/** @param destination a path of ours, or a URL */
export function sendBrowser(destination: string): Response {
  const location = new URL(destination, readOrigin()).href;
  return new Response(null, { status: 303, headers: { location, 'cache-control': 'no-store' } });
}
