/** Merges the decorators of class and method into the policy of a route, once per route. docs/decorators.md has the table. */
import { isDeepStrictEqual } from 'node:util';
import { ConfigurationError } from '../errors/auth.errors.js';
import type { Declaration, DeclaredRequirement } from './declarations.js';
import { isOpening, isRequirement, refuseContradictions } from './contradictions.js';
import { methodsOf, type Handler } from './handlers.js';
import {
  anyMethodDeclares,
  classLevels,
  functionDeclarations,
  methodLevels,
  type Controller,
  type Level,
} from './levels.js';

export interface RoutePolicy {
  /** `public`: no token is read. `optional`: a token may be absent, but not invalid. `protected`: a valid token is required. */
  readonly access: 'public' | 'optional' | 'protected';
  /** A decorator declares who may call: any except `@Introspect()`, which declares only how a token is validated. */
  readonly declared: boolean;
  /** Requirements for the content of the token, from class and handler, as declared. access/ joins and checks them. */
  readonly requirements: readonly DeclaredRequirement[];
  /** The token must be bound to the caller's certificate. */
  readonly certificateBound: boolean;
  /** The token must be bound to the caller's DPoP key. */
  readonly dpopBound: boolean;
  /** The provider is called unless its last response is at most this old, in seconds; `undefined`: the options decide. */
  readonly introspectMaxAge: number | undefined;
  /** Lists of issuers or their names: the token's issuer must be in each list. */
  readonly issuers: readonly (readonly string[])[];
  /** What `aud` must contain; `undefined`: any audience of the token's issuer. */
  readonly audience: string | undefined;
}

const PUBLIC: RoutePolicy = Object.freeze({
  access: 'public',
  declared: true,
  requirements: Object.freeze([]),
  certificateBound: false,
  dpopBound: false,
  introspectMaxAge: undefined,
  issuers: Object.freeze([]),
  audience: undefined,
});

/** Policies depend on the decorators alone, so all modules in a process share them. */
const policies = new WeakMap<object, WeakMap<object, RoutePolicy>>();
/**
 * Keyed by controller, for handlers that are none of its methods. Nothing is stored for each handler, because requests create new
 * ones (if a request-scoped class rebinds).
 */
const policiesOfUnknown = new WeakMap<object, RoutePolicy | ConfigurationError>();

/**
 * Returns the policy of a handler as a route of this controller.
 *
 * @throws {ConfigurationError} if decorators contradict one another, or if it cannot be determined which of them apply to this
 *   handler
 */
export function readRoutePolicy(controller: Controller, handler: Handler): RoutePolicy {
  return policies.get(controller)?.get(handler) ?? compileRoutePolicy(controller, handler);
}

/** {@link readRoutePolicy} without the cache, for startup: more may be known of the handler than when it was last read. */
export function compileRoutePolicy(controller: Controller, handler: Handler): RoutePolicy {
  const methods = methodsOf(controller, handler);
  if (methods.length === 0) return readPolicyOfUnknown(controller, handler);
  let ofController = policies.get(controller);
  if (!ofController) policies.set(controller, (ofController = new WeakMap()));
  ofController.delete(handler);
  const policy = readPolicyOfMethods(controller, methods, handler);
  ofController.set(handler, policy);
  return policy;
}

/**
 * Returns the policy of a class alone, which applies where no handler is called, such as the handshake of a gateway.
 *
 * @throws {ConfigurationError} if its decorators contradict one another
 */
export function readClassPolicy(controller: Controller): RoutePolicy {
  return compilePolicy(classLevels(controller), []);
}

/**
 * Joins the policies of several classes: protected if any of them is, with the requirements of all.
 *
 * @throws {ConfigurationError} if they declare different audiences
 */
export function joinPolicies(joined: readonly RoutePolicy[]): RoutePolicy {
  const open = joined.find(({ access }) => access === 'optional') ?? PUBLIC;
  const { access } = joined.find((each) => each.access === 'protected') ?? open;
  const maxAges = joined.flatMap(({ introspectMaxAge: maxAge }) => (maxAge === undefined ? [] : [maxAge]));
  return Object.freeze({
    access,
    declared: joined.some(({ declared }) => declared),
    requirements: Object.freeze(joined.flatMap(({ requirements }) => requirements)),
    certificateBound: joined.some(({ certificateBound }) => certificateBound),
    dpopBound: joined.some(({ dpopBound }) => dpopBound),
    introspectMaxAge: maxAges.length > 0 ? Math.min(...maxAges) : undefined,
    issuers: Object.freeze(joined.flatMap(({ issuers }) => issuers)),
    audience: joinAudiences(joined),
  });
}

function joinAudiences(joined: readonly RoutePolicy[]): string | undefined {
  const named = [...new Set(joined.flatMap(({ audience }) => audience ?? []))];
  if (named.length > 1)
    throw new ConfigurationError(
      'gateways that share a port, a path and a namespace name different audiences with @Audience()',
    );
  return named[0];
}

/** Whether the decorators of a handler can be determined: it is a method of the class, or of a registered instance of it. */
export function isResolved(controller: Controller, handler: Handler): boolean {
  return methodsOf(controller, handler).length > 0;
}

/** One function may be several methods. It is unknown which of them is called, so their policies must be equal. */
function readPolicyOfMethods(
  controller: Controller,
  methods: readonly (string | symbol)[],
  handler: Handler,
): RoutePolicy {
  const [policy, ...others] = methods.map((method) =>
    compilePolicy(
      classLevels(controller),
      withFunction(methodLevels(controller, method), controller, handler),
    ),
  );
  if (policy === undefined || others.some((other) => !isDeepStrictEqual(other, policy))) {
    throw new ConfigurationError(
      `${controller.name}: ${methods.map(String).join(' and ')} are one function, but their decorators differ`,
    );
  }
  return policy;
}

/** If no method declares anything, it does not matter which one is called. Otherwise the policy cannot be determined. */
function readPolicyOfUnknown(controller: Controller, handler: Handler): RoutePolicy {
  let policy = policiesOfUnknown.get(controller);
  if (!policy) policiesOfUnknown.set(controller, (policy = compilePolicyOfUnknown(controller, handler)));
  if (policy instanceof ConfigurationError) throw policy;
  if (functionDeclarations(handler).length === 0) return policy;
  return compilePolicy(classLevels(controller), withFunction([], controller, handler));
}

function compilePolicyOfUnknown(controller: Controller, handler: Handler): RoutePolicy | ConfigurationError {
  if (!anyMethodDeclares(controller)) return compilePolicy(classLevels(controller), []);
  return new ConfigurationError(
    `${controller.name}: the handler ${JSON.stringify(handler.name)} is none of its methods, so its decorators cannot be ` +
      'determined: see docs/decorators.md, "Handlers that are replaced"',
  );
}

/** Adds the requirements of the function that replaces a method. It can add requirements, but never open the method. */
function withFunction(levels: readonly Level[], controller: Controller, handler: Handler): readonly Level[] {
  const [method = { place: `${controller.name}.${handler.name}`, declarations: [] }, ...overridden] = levels;
  const requirements = functionDeclarations(handler).filter(isRequirement);
  return [
    { ...method, declarations: [...new Set([...requirements, ...method.declarations])] },
    ...overridden,
  ];
}

function compilePolicy(onClass: readonly Level[], onMethod: readonly Level[]): RoutePolicy {
  refuseContradictions(onClass);
  refuseContradictions(onMethod);
  const classOpening = openingOf(onClass.find(({ declarations }) => declarations.length > 0));
  const methodOpening = openingOf(onMethod[0]);
  const ofMethod = requirementsOf(onMethod);
  const access = methodOpening ?? (ofMethod.length > 0 ? undefined : classOpening) ?? 'protected';
  if (access === 'public') return PUBLIC;

  const required = [...requirementsOf(onClass), ...ofMethod];
  const maxAges = required.flatMap((each) => (each.kind === 'introspect' ? [each.maxAge] : []));
  return Object.freeze({
    access,
    declared:
      classOpening !== undefined ||
      methodOpening !== undefined ||
      required.some(({ kind }) => kind !== 'introspect'),
    requirements: Object.freeze(
      required.flatMap((each) => (each.kind === 'requirement' ? [each.requirement] : [])),
    ),
    certificateBound: required.some(({ kind }) => kind === 'certificate-bound'),
    dpopBound: required.some(({ kind }) => kind === 'dpop-bound'),
    introspectMaxAge: maxAges.length > 0 ? Math.min(...maxAges) : undefined,
    issuers: Object.freeze(required.flatMap((each) => (each.kind === 'issuers' ? [each.issuers] : []))),
    audience: audienceOf(onMethod) ?? audienceOf(onClass),
  });
}

/** Returns the requirements of every level: inheritance can only add requirements. */
function requirementsOf(levels: readonly Level[]): readonly Declaration[] {
  return levels.flatMap(({ declarations }) => declarations.filter(isRequirement));
}

/** @throws {ConfigurationError} if levels declare different audiences: inheritance can only add requirements */
function audienceOf(levels: readonly Level[]): string | undefined {
  const named = levels.flatMap(({ place, declarations }) =>
    declarations.flatMap((each) => (each.kind === 'audience' ? [{ place, audience: each.audience }] : [])),
  );
  const [first] = named;
  const other = named.find(({ audience }) => audience !== first?.audience);
  if (first && other) {
    throw new ConfigurationError(
      first.place === other.place
        ? `${first.place}: more than one @Audience()`
        : `${first.place}: @Audience() differs from that of ${other.place}; inheritance can add requirements, never remove them`,
    );
  }
  return first?.audience;
}

/** Returns the opening of one level. Unlike requirements, openings of several levels are not combined. */
function openingOf(level: Level | undefined): 'public' | 'optional' | undefined {
  return level?.declarations.find(isOpening)?.kind;
}
