/** How does a person get through the login? A browser of a few lines: follows redirects, fills in forms. */
import { CookieJar } from './cookie-jar.js';

/** Whoever signs in. */
export interface Person {
  readonly id: string;
  readonly password: string;
  /** A second factor, where the login asks for one. */
  readonly code?: string;
}

/** Authorization, login page, login, consent page, consent, back: no healthy sign-in needs more. */
const MAX_HOPS = 15;

/**
 * Signs the user in, from the authorization URL to the front end's callback, which is returned and not visited.
 *
 * @param jar of a browser that may be signed in already
 */
export async function walkThroughLogin(
  start: URL,
  callback: string,
  user: Person,
  jar = new CookieJar(),
): Promise<URL> {
  let url = start;
  let form: URLSearchParams | undefined;

  for (let hop = 0; hop < MAX_HOPS; hop += 1) {
    const response = await fetch(url, {
      method: form ? 'POST' : 'GET',
      headers: { cookie: jar.headerFor(url) },
      redirect: 'manual',
      ...(form && { body: form }),
    });
    jar.store(response.headers);

    const location = response.headers.get('location');
    if (location) {
      url = new URL(location, url);
      form = undefined;
      if (`${url.origin}${url.pathname}` === callback) return url;
      continue;
    }

    const page = await response.text();
    // The first form of a page is the one that goes on: login, or allow.
    const action = /<form method="post" action="([^"]+)"/.exec(page)?.[1];
    if (!response.ok || !action)
      throw new Error(`${user.id} could not sign in: ${response.status} at ${url.href}`);
    url = new URL(action, url);
    form = action.endsWith('/login')
      ? new URLSearchParams({
          username: user.id,
          password: user.password,
          ...(user.code !== undefined && { code: user.code }),
        })
      : new URLSearchParams();
  }
  throw new Error(`${user.id} could not sign in: the login goes round in circles`);
}
