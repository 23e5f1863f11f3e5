/** Translates `@Roles({ roles, mode })` of nest-keycloak-connect to the equivalent `@Groups()`. */
import type ts from 'typescript';
import { propertyOf } from '../../codemod/decorators.js';
import type { SourceFile } from '../../codemod/source-file.js';

const REALM = '';

/**
 * `admin` is a role of the application's own client, `realm:admin` one of the realm, `other:admin` one of another client.
 *
 * @returns `''` for no roles, `undefined` if no decorator is equivalent
 */
export function groupsOf(
  source: SourceFile,
  args: readonly ts.Expression[],
  client: string | undefined,
): string | undefined {
  const [options] = args;
  const list = propertyOf(source, options, 'roles')?.initializer;
  if (list === undefined || !source.ts.isArrayLiteralExpression(list)) return undefined;
  if (!list.elements.every((each) => source.ts.isStringLiteral(each))) return undefined;
  const roles = list.elements.map((each) => (each as ts.StringLiteral).text);
  if (roles.length === 0) return '';
  const matchAll = /ALL|['"]all['"]/.test(propertyOf(source, options, 'mode')?.initializer.getText() ?? '');
  const places = new Map<string | undefined, string[]>();
  for (const role of roles) {
    const [place, name] = placeOf(role, client);
    places.set(place, [...(places.get(place) ?? []), name]);
  }
  if (places.has(undefined)) return undefined;
  // No decorator requires any of the roles of several places. All of them: one decorator for each place.
  if (places.size > 1 && !matchAll) return undefined;
  return [...places].map(([place, names]) => decorator(source, place ?? REALM, names, matchAll)).join('\n');
}

function placeOf(role: string, client: string | undefined): [string | undefined, string] {
  const at = role.indexOf(':');
  if (at === -1) return [client, role];
  const place = role.slice(0, at);
  return [place === 'realm' ? REALM : place, role.slice(at + 1)];
}

function decorator(
  { quote }: SourceFile,
  place: string,
  names: readonly string[],
  matchAll: boolean,
): string {
  const list = names.map((each) => `${quote}${each}${quote}`).join(', ');
  const all = matchAll && names.length > 1;
  if (place === REALM && !all) return `@Groups(${list})`;
  const name = /^[\w-]+$/.test(place)
    ? `resource_access.${place}`
    : `resource_access[${JSON.stringify(place)}]`;
  const options = [
    ...(place === REALM ? [] : [`groupsClaim: '${name}.roles'`]),
    ...(all ? ['matchAll: true'] : []),
  ];
  return `@Groups([${list}], { ${options.join(', ')} })`;
}
