/** Derives the guard's status from a GraphQL response, whose HTTP status is 200 also for a rejection. */
import type { Answer } from './attack-target.js';

interface GraphQLAnswer {
  readonly data?: Readonly<Record<string, unknown>> | null;
  readonly errors?: readonly {
    readonly extensions?: { readonly code?: unknown; readonly errorCode?: unknown };
  }[];
}

const STATUS: Readonly<Record<string, number>> = {
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  SERVICE_UNAVAILABLE: 503,
  INTERNAL_SERVER_ERROR: 500,
};

/** Returns the HTTP status if the response has data, or if its error is not one of this module. */
export function graphqlStatus({ status, text }: Answer): number {
  const { data, errors = [] } = parse(text);
  const hasData = Object.values(data ?? {}).some((value) => value !== null);
  const { code, errorCode } = errors[0]?.extensions ?? {};
  if (hasData || typeof errorCode !== 'string') return status;
  return errorCode === 'invalid_request' ? 400 : (STATUS[String(code)] ?? status);
}

function parse(text: string): GraphQLAnswer {
  try {
    const answer: unknown = JSON.parse(text);
    return typeof answer === 'object' && answer !== null ? answer : {};
  } catch {
    return {};
  }
}
