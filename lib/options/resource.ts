/** What is this API called, as a resource? RFC 9728 section 1.2. */
import type { ResourceMetadataOptions } from '../access/protected-resource.js';
import { quoteForeign } from '../errors/quote-foreign.js';
import { isSecureEnough } from '../token/provider-client.js';
import { isObject } from '../token/strict-json.js';

/** Options as they were said. */
type Said = Readonly<Record<string, unknown>>;

/** With the name that this API has, where the application gives none. */
export function nameResource(
  options:
    (Omit<ResourceMetadataOptions, 'resource'> & { readonly resource?: string | undefined }) | undefined,
  said: Said,
): ResourceMetadataOptions | undefined {
  const resource = options && resourceOf(said);
  return resource === undefined ? undefined : Object.freeze({ ...options, resource });
}

/** What is wrong with the name. What is no URL, or no option, is told elsewhere. */
export function resourceProblems(said: Said): (readonly [option: string, problem: string])[] {
  if (!isOn(said['resourceMetadata'])) return [];
  const resource = resourceOf(said);
  if (resource === undefined) {
    return [['resourceMetadata', 'needs a resource: neither publicUrl nor an audience is an http(s) URL']];
  }
  if (!URL.canParse(resource)) return [];
  const url = new URL(resource);
  const complaint = complaintAbout(url, said['allowInsecureRequests'] === true);
  return complaint === undefined
    ? []
    : [['resourceMetadata.resource', `${quoteForeign(resource)} ${complaint}`]];
}

function complaintAbout(url: URL, allowInsecureRequests: boolean): string | undefined {
  if (url.href.includes('#')) return 'must not have a fragment';
  if (url.username !== '' || url.password !== '') return 'must not have credentials';
  if (!isSecureEnough(url, allowInsecureRequests))
    return 'is not https; allowInsecureRequests accepts it for test networks';
  // Routers read more than that as a pattern, or as an escape.
  if (/[^\w\-.~/@]/.test(url.pathname)) return 'has a path of more than letters, digits and - . _ ~ @ /';
  return undefined;
}

function isOn(said: unknown): boolean {
  return said === true || isObject(said) || (typeof said === 'string' && said.toLowerCase() === 'true');
}

function resourceOf({ resourceMetadata, publicUrl, audience }: Said): string | undefined {
  const own = isObject(resourceMetadata) ? resourceMetadata['resource'] : undefined;
  const named = [own, publicUrl].find((each) => each !== undefined);
  if (named !== undefined) return typeof named === 'string' ? named : undefined;
  return [audience].flat().find((each): each is string => typeof each === 'string' && isHttpUrl(each));
}

function isHttpUrl(value: string): boolean {
  return URL.canParse(value) && /^https?:$/.test(new URL(value).protocol);
}
