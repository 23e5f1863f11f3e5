/** Options that are addresses. What they hold is quoted without credentials and query. */
import * as z from 'zod/mini';
import { quoteAddress } from '../errors/quote-foreign.js';
import { hasCredentials } from '../issuer/provider-address.js';

const isNoUrl = {
  error: ({ input }: { readonly input?: unknown }): string =>
    input === undefined ? 'required' : `${quoteAddress(input)} is not a URL`,
};

const url = z.string(isNoUrl).check(z.refine((value) => URL.canParse(value), isNoUrl));

/** Never with credentials: addresses are logged, and `fetch` refuses them with the whole address in its message. */
export const address = url.check(
  z.refine((value) => !URL.canParse(value) || !hasCredentials(new URL(value)), 'must not have credentials'),
);

export const issuer = url.check(
  z.refine((value) => {
    if (!URL.canParse(value)) return true;
    const { search, hash } = new URL(value);
    return search === '' && hash === '' && !hasCredentials(new URL(value));
  }, 'must not have a query, a fragment or credentials'),
);
