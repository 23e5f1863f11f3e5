/** What a route requires: the decorators of classes and methods merged, once per route. docs/decorators.md has the table. */
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
  /** `public`: no token is looked at. `optional`: absent is fine, wrong is not. `protected`: a good token. */
  readonly access: 'public' | 'optional' | 'protected';
  /** A decorator says who may call: any but `@Introspect()`, which says only how a token is looked at. */
  readonly declared: boolean;
  /** What the token must say: of class and handler, as declared. access/ joins and checks them. */
  readonly requirements: readonly DeclaredRequirement[];
  /** The token must be bound to the caller's certificate. */
  readonly certificateBound: boolean;
  /** The token must be bound to the caller's DPoP key. */
  readonly dpopBound: boolean;
  /** The provider is asked unless it answered at most so many seconds ago; `undefined`: as the options say. */
  readonly introspectMaxAge: number | undefined;
  /** Names or issuers: the token must be of one of each list. */
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

/** Policies follow from the decorators alone, so that every module of a process may share them. */
const policies = new WeakMap<object, WeakMap<object, RoutePolicy>>();
/**
 * By controller, for handlers that are none of its methods. Requests bring new ones (of a request-scoped class that rebinds):
 * nothing is kept for each of them.
 */
const policiesOfUnknown = new WeakMap<object, RoutePolicy | ConfigurationError>();

/**
 * The policy of a handler as a route of this controller.
 *
 * @throws {ConfigurationError} if decorators contradict one another, or if it cannot be told which of them hold for this
 *   handler
 */
export function readRoutePolicy(controller: Controller, handler: Handler): RoutePolicy {
  return policies.get(controller)?.get(handler) ?? compileRoutePolicy(controller, handler);
}

/** {@link readRoutePolicy}, anew: at start, when more may be known of the handler than when it was last read. */
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
 * The policy of a class alone: what counts where no handler is called, such as the handshake of a gateway.
 *
 * @throws {ConfigurationError} if its decorators contradict one another
 */
export function readClassPolicy(controller: Controller): RoutePolicy {
  return compilePolicy(classLevels(controller), []);
}

/**
 * The policy of several classes that are one: protected if any of them is, with the requirements of all.
 *
 * @throws {ConfigurationError} if they name different audiences
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

/** Whether the decorators of a handler can be told: it is a method of the class, or of one of its registered instances. */
export function isResolved(controller: Controller, handler: Handler): boolean {
  return methodsOf(controller, handler).length > 0;
}

/** One function may be several methods. It cannot be told which of them is called: they must require the same. */
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

/** Where no method declares anything, it does not matter which of them is called. Otherwise nothing may be assumed. */
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

/** The function that stands in a method's place may require more than the method, never open it. */
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

/** Of every level: inheritance tightens. */
function requirementsOf(levels: readonly Level[]): readonly Declaration[] {
  return levels.flatMap(({ declarations }) => declarations.filter(isRequirement));
}

/** @throws {ConfigurationError} if one level names another audience than what it overrides: inheritance tightens */
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

/** Of one level only: inheritance never opens. */
function openingOf(level: Level | undefined): 'public' | 'optional' | undefined {
  return level?.declarations.find(isOpening)?.kind;
}
