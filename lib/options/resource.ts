/** Determines the resource identifier of this API and the URL of its metadata. RFC 9728 sections 1.2 and 3.1. */
import { quoteAddress } from '../errors/quote-address.js';
import { isSecureEnough } from '../issuer/provider-address.js';
import { isObject } from '../jose/strict-json.js';

/** Content of the protected resource metadata (RFC 9728). */
export interface ResourceMetadataOptions {
  /**
   * The identifier of this API: a URL without fragment, https except for loopback hosts. Clients compare it with the URL of the API that
   * they call, and request tokens for it (RFC 8707), so `aud` of the tokens must equal it.
   * @default `publicUrl`, else the first `audience` that is an http(s) URL
   */
  readonly resource: string;
  /** The issuers of tokens for this API, exactly as in their own metadata. @default the issuer */
  readonly authorizationServers?: readonly string[] | undefined;
  /** The scopes that clients can request; an empty list publishes none. @default the scopes of all decorators */
  readonly scopesSupported?: readonly string[] | undefined;
  /** The name of the API that users see when they are asked for consent. */
  readonly resourceName?: string | undefined;
  /** The URL of the documentation for developers. */
  readonly resourceDocumentation?: string | undefined;
  /** The URL of the policy for the use of this API's data. */
  readonly resourcePolicyUri?: string | undefined;
  /** The URL of the terms of service. */
  readonly resourceTosUri?: string | undefined;
}

const WELL_KNOWN = '/.well-known/oauth-protected-resource';

/** Inserts the well-known path between host and path (RFC 9728 section 3.1). A path of `/` alone counts as no path. */
export function metadataUrlOf(resource: string): string {
  const url = new URL(resource);
  url.pathname = WELL_KNOWN + (url.pathname === '/' ? '' : url.pathname);
  return url.href;
}

/** The options that are read here. */
interface ResourceTerms {
  readonly resourceMetadata: ResourceMetadataOptions | undefined;
  readonly audience: string | readonly string[];
  readonly allowInsecureRequests: boolean;
}

/** Returns the resources of this application. Each has its own document; the first is that of routes without an audience. */
export function resourcesOf({ resourceMetadata, ...terms }: ResourceTerms): readonly string[] {
  if (!resourceMetadata) return [];
  return [...new Set([resourceMetadata.resource, ...servedAudiences(terms)])];
}

/** Keyed by options, which are resolved once, then by resource. */
const metadataUrls = new WeakMap<ResourceTerms, ReadonlyMap<string | undefined, string>>();

/**
 * Returns the URL of the metadata document of a route's resource.
 *
 * @param audience the audience that the route requires, if any
 * @returns `undefined` if there is no document
 */
export function metadataUrlFor(options: ResourceTerms, audience: string | undefined): string | undefined {
  if (!options.resourceMetadata) return undefined;
  let urls = metadataUrls.get(options);
  if (!urls) {
    const resources = resourcesOf(options);
    urls = new Map(
      [undefined, ...resources].map((each) => [each, metadataUrlOf(each ?? resources[0] ?? '')]),
    );
    metadataUrls.set(options, urls);
  }
  const [sole, ...others] = [options.audience].flat();
  const isWhole = others.length === 0 && audience !== undefined && audience === sole && isHttpUrl(audience);
  return urls.get(isWhole ? undefined : audience);
}

/** Returns the audiences that a document can be served for. */
function servedAudiences({
  audience,
  allowInsecureRequests,
}: Omit<ResourceTerms, 'resourceMetadata'>): readonly string[] {
  const audiences = [audience].flat();
  // A single audience is the resource of the application itself.
  if (audiences.length < 2) return [];
  return audiences.filter(
    (each) => isHttpUrl(each) && complaintAbout(new URL(each), allowInsecureRequests) === undefined,
  );
}

/** Options as configured, before validation. */
type Said = Readonly<Record<string, unknown>>;

/** Adds the resource identifier, which is derived from other options unless the application sets it. */
export function nameResource(
  options:
    (Omit<ResourceMetadataOptions, 'resource'> & { readonly resource?: string | undefined }) | undefined,
  said: Said,
): ResourceMetadataOptions | undefined {
  const resource = options && resourceOf(said);
  return resource === undefined ? undefined : Object.freeze({ ...options, resource });
}

/** Finds problems with the resource identifier. Invalid URLs and unknown options are reported elsewhere. */
export function resourceProblems(said: Said): (readonly [option: string, problem: string])[] {
  if (!isOn(said['resourceMetadata'])) return [];
  const resource = resourceOf(said);
  if (resource === undefined) {
    return [['resourceMetadata', 'requires a resource: neither publicUrl nor an audience is an http(s) URL']];
  }
  if (!URL.canParse(resource)) return [];
  const url = new URL(resource);
  const complaint = complaintAbout(url, said['allowInsecureRequests'] === true);
  return complaint === undefined
    ? []
    : [['resourceMetadata.resource', `${quoteAddress(resource)} ${complaint}`]];
}

function complaintAbout(url: URL, allowInsecureRequests: boolean): string | undefined {
  if (url.href.includes('#')) return 'must not have a fragment';
  if (url.username !== '' || url.password !== '') return 'must not have credentials';
  if (!isSecureEnough(url, allowInsecureRequests))
    return 'is not https; allowInsecureRequests accepts it for test networks';
  // Routers interpret other characters as a pattern or an escape.
  if (/[^\w\-.~/@]/.test(url.pathname))
    return 'has a path with other characters than letters, digits and - . _ ~ @ /';
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
