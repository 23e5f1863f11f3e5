/** Which cookies does a browser send back? As much of RFC 6265 as one login at one server needs. */
interface Cookie {
  readonly name: string;
  readonly value: string;
  readonly path: string;
}

export class CookieJar {
  readonly #cookies = new Map<string, Cookie>();

  /** Keeps what a response sets, and drops what it expires. */
  store(headers: Headers): void {
    for (const line of headers.getSetCookie()) {
      const [pair = '', ...attributes] = line.split(';').map((part) => part.trim());
      const split = pair.indexOf('=');
      const cookie = {
        name: pair.slice(0, split),
        value: pair.slice(split + 1),
        path: readAttribute(attributes, 'path') ?? '/',
      };
      const expires = readAttribute(attributes, 'expires');
      const key = `${cookie.name};${cookie.path}`;
      if (expires && Date.parse(expires) <= Date.now()) this.#cookies.delete(key);
      else this.#cookies.set(key, cookie);
    }
  }

  /** The `Cookie` header for a URL. */
  headerFor(url: URL): string {
    return [...this.#cookies.values()]
      .filter(({ path }) => isBelow(url.pathname, path))
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ');
  }
}

function readAttribute(attributes: readonly string[], name: string): string | undefined {
  const prefix = `${name}=`;
  return attributes.find((attribute) => attribute.toLowerCase().startsWith(prefix))?.slice(prefix.length);
}

function isBelow(pathname: string, path: string): boolean {
  return pathname === path || pathname.startsWith(path.endsWith('/') ? path : `${path}/`);
}
