/** How is something fetched over TLS, with an authority of our own and, it may be, a client certificate? */
import { Agent, fetch } from 'undici';

export interface Connection {
  /** Whose certificates are trusted, in PEM. */
  readonly ca: string;
  /** The client's certificate and its key, in PEM. */
  readonly cert?: string;
  readonly key?: string;
}

/** Those of `fetch`, each of which may also be there and undefined. */
type Init = { readonly [Name in keyof RequestInit]?: RequestInit[Name] | undefined };

export type Fetch = (url: string, init?: Init) => Promise<Response>;

/** A certificate belongs to a connection and not to a request: each client has connections of its own. */
export function fetchOver(connection: Connection): Fetch {
  const dispatcher = new Agent({ connect: { ...connection } });
  // Its types speak of its own Request and Response, which are those of Node's fetch.
  return (url, init) => fetch(url, { ...init, dispatcher } as never);
}
