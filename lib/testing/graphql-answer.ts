/** Reads from a GraphQL answer, whose HTTP status is 200 also for a refusal, which status the guard meant. */
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

/** The HTTP status where the answer has data, or an error that is none of this module's. */
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
