/** Describes the running development issuer: variables for `.env`, and example requests. */
import type { TokenOptions } from '../../testing/mint.js';
import type { TestIssuer } from '../../testing/test-issuer.js';
import type { IssuerCommand } from './issuer-arguments.js';

/** Text that requires no quotes in any shell, except for its spaces. */
const PLAIN = /^[\w:./@-]+( [\w:./@-]+)*$/;
const EXAMPLE_SCOPE = 'read:products';

export function describeIssuer(issuer: TestIssuer, command: IssuerCommand): string {
  const options = tokenOptionsOf(command);
  const token = command.opaque ? issuer.opaqueToken(options) : issuer.token(options);
  const url = quote(command.url);
  const endpoint = `${issuer.issuer}/token`;
  const scope = formArgument('scope', command.scopes.join(' ') || EXAMPLE_SCOPE);
  const { forJwts, forIntrospection } = variablesOf(issuer);
  const paragraphs = [
    '*** FOR DEVELOPMENT ONLY: this issuer issues a token to every program on this machine ***',
    `It listens on ${issuer.issuer} only. Each start generates a new key: tokens of earlier starts are rejected.`,
    'For .env of your application:',
    (command.opaque ? [...forJwts, ...forIntrospection] : forJwts).join('\n'),
    ...(command.opaque ? [] : ['For opaque tokens and @Introspect(), also:', forIntrospection.join('\n')]),
    `Requests without and with a token (${describeToken(command)}):`,
    `curl -i ${url}\ncurl -i ${url} -H "Authorization: Bearer ${token}"`,
    'More tokens, as JSON and for a shell variable; also with -d sub=..., groups=..., audience=..., expires_in=...:',
    `curl -s ${endpoint} -d ${scope}\nTOKEN=$(curl -s ${endpoint} -H "Accept: text/plain" -d ${scope})`,
    'Stop it with Ctrl-C.',
  ];
  return `\n${paragraphs.join('\n\n')}\n`;
}

/** Returns the content of tokens, unless a request to `/token` sets it. */
export function tokenOptionsOf({ sub, scopes, groups, expiresIn }: IssuerCommand): TokenOptions {
  return {
    sub,
    expiresIn,
    ...(scopes.length > 0 && { scope: scopes }),
    ...(groups.length > 0 && { groups }),
  };
}

function describeToken({ sub, scopes, groups, expiresIn }: IssuerCommand): string {
  return [
    `sub ${sub}`,
    scopes.length > 0 ? `scope ${scopes.join(' ')}` : 'no scope',
    ...(groups.length > 0 ? [`groups ${groups.join(', ')}`] : []),
    `valid for ${expiresIn} s`,
  ].join('; ');
}

function variablesOf({ environment }: TestIssuer): Record<'forJwts' | 'forIntrospection', string[]> {
  const lines = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  const isOfClient = (line: string): boolean => /CLIENT_(ID|SECRET)=/.test(line);
  return {
    forJwts: lines.filter((line) => !isOfClient(line)),
    forIntrospection: lines.filter(isOfClient),
  };
}

/** Percent-encodes the value only if necessary, for readability: `curl -d` sends its argument unchanged. */
function formArgument(name: string, value: string): string {
  return quote(PLAIN.test(value) ? `${name}=${value}` : new URLSearchParams({ [name]: value }).toString());
}

function quote(argument: string): string {
  return /[^\w:./@=%+-]/.test(argument) ? `"${argument}"` : argument;
}
