/** Where is everything? The environment says, or `.env`. Read when it is needed: a build knows none of it. */
import 'server-only';

export type ApiName = 'products' | 'invoices';

export interface Api {
  readonly url: string;
  /** The resource indicator that its tokens are asked for with, RFC 8707. */
  readonly audience: string;
}

export const apiNames: readonly ApiName[] = ['products', 'invoices'];

/** Everything that the pages need, of both APIs. Who does not get all of it is refused by the API. */
export const SCOPE = 'openid profile groups read:products write:products read:invoices pay:invoices';

function read(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: see .env.example`);
  return value;
}

export function findApi(name: ApiName): Api {
  const prefix = name === 'products' ? 'MONOSHOP_PRODUCT' : 'MONOSHOP_INVOICE';
  return { url: read(`${prefix}_API`), audience: read(`${prefix}_AUDIENCE`) };
}

/** As browsers see us: never taken from a request, whose `Host` anybody can write. */
export function readOrigin(): string {
  return read('MONOSHOP_WEB_ORIGIN');
}

export function readCallback(): string {
  return `${readOrigin()}/api/auth/callback`;
}

export function readClient(): { readonly issuer: URL; readonly id: string; readonly secret: string } {
  return {
    issuer: new URL(read('MONOSHOP_ISSUER')),
    id: read('MONOSHOP_CLIENT_ID'),
    secret: read('MONOSHOP_CLIENT_SECRET'),
  };
}

/** In milliseconds. */
export function readRenewBefore(): number {
  return Number(process.env.MONOSHOP_RENEW_BEFORE ?? 30) * 1000;
}
