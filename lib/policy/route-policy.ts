/** What does this route ask? Class and handler merged in one place, once per route. */
import { ConfigurationError } from '../errors/auth.errors.js';
import {
  classDeclarations,
  DECORATOR_OF,
  handlerDeclarations,
  type Declaration,
  type GroupRequirement,
} from './declarations.js';

export interface RoutePolicy {
  /** `public`: no token is looked at. `optional`: absent is fine, wrong is not. `protected`: a good token. */
  readonly access: 'public' | 'optional' | 'protected';
  /** A decorator says who may call: any but `@Introspect()`, which says only how a token is looked at. */
  readonly declared: boolean;
  /** All of them. */
  readonly scopes: readonly string[];
  /** Each of the requirements. */
  readonly groups: readonly GroupRequirement[];
  /** The token must be bound to the caller's certificate. */
  readonly certificateBound: boolean;
  /** The token must be bound to the caller's DPoP key. */
  readonly dpopBound: boolean;
  /** The provider is asked unless it answered at most so many seconds ago; `undefined`: as the options say. */
  readonly introspectMaxAge: number | undefined;
}

interface Controller {
  readonly name: string;
  readonly prototype?: unknown;
}
type Handler = Controller;

const PUBLIC: RoutePolicy = Object.freeze({
  access: 'public',
  declared: true,
  scopes: Object.freeze([]),
  groups: Object.freeze([]),
  certificateBound: false,
  dpopBound: false,
  introspectMaxAge: undefined,
});

/** Policies follow from the decorators alone, so that every module of a process may share them. */
const policies = new WeakMap<object, WeakMap<object, RoutePolicy>>();

/**
 * The policy of a handler as a route of this controller.
 *
 * @throws {ConfigurationError} if the decorators contradict one another
 */
export function readRoutePolicy(controller: Controller, handler: Handler): RoutePolicy {
  let ofController = policies.get(controller);
  if (!ofController) policies.set(controller, (ofController = new WeakMap()));
  let policy = ofController.get(handler);
  if (!policy) ofController.set(handler, (policy = compileRoutePolicy(controller, handler)));
  return policy;
}

function compileRoutePolicy(controller: Controller, handler: Handler): RoutePolicy {
  const onHandler = handlerDeclarations(controller, handler);
  const onClass = classDeclarations(controller);
  const said = {
    byHandler: refuseContradiction(
      `${controller.name}.${handler.name}`,
      onHandler[0] ?? [],
      onHandler.flat(),
    ),
    byClass: refuseContradiction(
      controller.name,
      onClass.find((level) => level.length > 0) ?? [],
      onClass.flat(),
    ),
  };
  const access = decideAccess(said.byHandler, said.byClass);
  if (access === 'public') return PUBLIC;

  const asked = [...said.byClass, ...said.byHandler];
  const maxAges = asked.flatMap((each) => (each.kind === 'introspect' ? [each.maxAge] : []));
  return Object.freeze({
    access,
    declared: asked.some((each) => each.kind !== 'introspect'),
    scopes: Object.freeze([...new Set(asked.flatMap((each) => (each.kind === 'scopes' ? each.scopes : [])))]),
    groups: Object.freeze(asked.filter((each) => each.kind === 'groups')),
    certificateBound: asked.some((each) => each.kind === 'certificate-bound'),
    dpopBound: asked.some((each) => each.kind === 'dpop-bound'),
    introspectMaxAge: maxAges.length > 0 ? Math.min(...maxAges) : undefined,
  });
}

/**
 * The handler's own word counts first; the class speaks for handlers that say nothing.
 *
 * | class \ handler | nothing   | @Public | @OptionalAuth | asks for something |
 * | --------------- | --------- | ------- | ------------- | ------------------ |
 * | nothing, asks   | protected | public  | optional      | protected          |
 * | @Public         | public    | public  | optional      | protected          |
 * | @OptionalAuth   | optional  | public  | optional      | protected          |
 */
function decideAccess(
  byHandler: readonly Declaration[],
  byClass: readonly Declaration[],
): RoutePolicy['access'] {
  return opening(byHandler) ?? (byHandler.length > 0 ? undefined : opening(byClass)) ?? 'protected';
}

function opening(declarations: readonly Declaration[]): 'public' | 'optional' | undefined {
  const found = declarations.find(isOpening);
  return found?.kind;
}

function isOpening(declaration: Declaration): declaration is { kind: 'public' } | { kind: 'optional' } {
  return declaration.kind === 'public' || declaration.kind === 'optional';
}

/**
 * Openings count from the most derived level only, requirements from every level: inheritance can tighten a route,
 * never open it.
 */
function refuseContradiction(
  place: string,
  derived: readonly Declaration[],
  all: readonly Declaration[],
): readonly Declaration[] {
  const requirements = all.filter((each) => !isOpening(each));
  const openings = derived.filter(isOpening);
  const publicly = openings.find((each) => each.kind === 'public');
  const contradicting = [...requirements, ...openings.filter((each) => each.kind === 'optional')][0];
  if (publicly && contradicting) {
    throw new ConfigurationError(
      `${place}: @Public() asks for no token, ${DECORATOR_OF[contradicting.kind]} asks for one; leave one of them out`,
    );
  }
  return [...openings, ...requirements];
}
