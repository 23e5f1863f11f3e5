/** What may a page do? Run the scripts that came with it, talk to where it came from, and nothing else. */
import { NextResponse, type NextRequest } from 'next/server';

function writePolicy(nonce: string): string {
  return [
    "default-src 'self'",
    // Next.js reads the nonce from the request's header and puts it on its own scripts.
    `script-src 'self' 'nonce-${nonce}' 'strict-dynamic'`,
    "img-src 'self' data:",
    // Signing out is a form that the browser is then redirected from, to the authorization server.
    `form-action 'self' ${new URL(process.env.MONOSHOP_ISSUER ?? '').origin}`,
    "base-uri 'none'",
    "object-src 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

export function proxy(request: NextRequest): NextResponse {
  const policy = writePolicy(Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString('base64'));
  const headers = new Headers(request.headers);
  headers.set('content-security-policy', policy);

  const response = NextResponse.next({ request: { headers } });
  response.headers.set('content-security-policy', policy);
  response.headers.set('referrer-policy', 'same-origin');
  response.headers.set('x-content-type-options', 'nosniff');
  return response;
}

export const config = { matcher: '/((?!_next/static|icon.svg).*)' };
