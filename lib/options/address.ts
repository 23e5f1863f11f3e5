/** Schemas of options that are URLs. Messages quote these without credentials and query. */
import * as z from 'zod/mini';
import { quoteAddress } from '../errors/quote-address.js';
import { hasCredentials } from '../issuer/provider-address.js';

const isNoUrl = {
  error: ({ input }: { readonly input?: unknown }): string =>
    input === undefined ? 'required' : `${quoteAddress(input)} is not a URL`,
};

const url = z.string(isNoUrl).check(z.refine((value) => URL.canParse(value), isNoUrl));

/**
 * Rejects credentials: URLs are logged, and `fetch` rejects such a URL with an error that quotes all of it.
 *
 * @internal
 */
export const address = url.check(
  z.refine((value) => !URL.canParse(value) || !hasCredentials(new URL(value)), 'must not have credentials'),
);

/** @internal */
export const issuer = url.check(
  z.refine((value) => {
    if (!URL.canParse(value)) return true;
    const { search, hash } = new URL(value);
    return search === '' && hash === '' && !hasCredentials(new URL(value));
  }, 'must not have a query, a fragment or credentials'),
);
