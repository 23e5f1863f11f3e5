/** Decides on each call: reads policy and credentials, validates the token, checks binding and access, attaches the principal. */
import {
  Inject,
  Injectable,
  Logger,
  Optional,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { accessOf, checkAccess } from '../access/authorize.js';
import { checkRecipient } from '../access/recipient.js';
import { DPoPProofVerifier } from '../binding/dpop-proof.js';
import { enforceSenderConstraint } from '../binding/sender-constraint.js';
import { isOfSubscription, readGraphQLCall } from '../credentials/graphql-call.js';
import { resolveCertificate } from '../credentials/client-certificate.js';
import type { Credentials } from '../credentials/extract-credentials.js';
import { isKnown } from '../credentials/socket-handshake.js';
import { targetUriOf } from '../credentials/target-uri.js';
import {
  ConfigurationError,
  invalidToken,
  MissingTokenError,
  UnsupportedContextError,
  type AuthError,
  type TokenError,
} from '../errors/auth.errors.js';
import type { ResolvedOptions } from '../options/auth-options.js';
import { RESOLVED_OPTIONS } from '../options/resolved-options.token.js';
import { isRegisteredClass } from '../policy/handlers.js';
import type { RoutePolicy } from '../policy/route-policy.js';
import {
  attachPrincipal,
  detachPrincipal,
  markAsGuarded,
  principalOf,
} from '../principal/authenticated-request.js';
import { loadPrincipal } from '../principal/user-options.js';
import { whenReady } from '../timing/when-ready.js';
import { checkTimes, isCurrent } from '../token/check-claims.js';
import type { ValidatedToken } from '../token/validated-token.js';
import type { Call, Transport } from '../transport/transport.js';
import { graphqlTransport } from '../transport/graphql.transport.js';
import { findTransport } from '../transport/transports.js';
import { TokenValidator } from '../validation/token-validator.js';
import { isAdmitted, rememberAdmission } from './admitted-requests.js';
import { callerOf, forgetCaller, knownCaller } from './caller.js';
import { Decision } from './decision-events.js';
import { recallField, rememberField } from './graphql/admitted-fields.js';
import { endSubscription } from './graphql/subscription.interceptor.js';
import { GuardInPlace } from './guard-in-place.js';
import { offerFor, Refusals, routeOf } from './refusals.js';
import { isMessageHandler } from './rpc/message-patterns.js';
import { endReply } from './rpc/streamed-replies.js';
import { connectionOf } from './sockets/connection.js';
import { HandshakeContext, policyOf } from './sockets/handshake.js';
import { OpenStreams } from './streams/open-streams.js';
import { endServerSentEvents, streamsEvents } from './streams/server-sent-events.js';

/**
 * Validates the access token of every call and enforces the decorators of its route. {@link AuthModule} registers it under
 * `APP_GUARD` with `useExisting`, so that tests can override it.
 *
 * It rejects a call with an exception, never with `false`: over HTTP with an `HttpException` whose `cause` is the
 * {@link AuthError}, after setting `WWW-Authenticate` or `Retry-After`; in GraphQL with an error whose `extensions` contain the
 * code; for a message of a gateway with a `WsException`; in a message handler of a microservice with an `RpcException`. In
 * contexts of any other type it rejects every call except those to `@Public()` handlers.
 *
 * The checks run in this order: token (signature, issuer, audience, times, type), revocation, binding, then the requirements of
 * the route.
 *
 * @example
 * With `globalGuard: false`:
 * ```ts
 * @Controller('orders')
 * @UseGuards(AuthGuard)
 * export class OrdersController {}
 * ```
 *
 * @example
 * In tests that turn all checks off:
 * ```ts
 * Test.createTestingModule({ imports: [AppModule] })
 *   .overrideProvider(AuthGuard)
 *   .useValue({ canActivate: () => true });
 * ```
 */
@Injectable()
export class AuthGuard implements CanActivate {
  readonly #log = new Logger(AuthGuard.name);
  readonly #refusals = new Refusals(this.#log);

  constructor(
    @Inject(TokenValidator) private readonly tokens: TokenValidator,
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
    @Inject(DPoPProofVerifier) private readonly proofs: DPoPProofVerifier | null,
    @Inject(OpenStreams) private readonly streams: OpenStreams,
    @Optional() @Inject(GuardInPlace) private readonly inPlace?: GuardInPlace,
  ) {}

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    // A test has replaced this guard. The cast is safe, because Nest accepts every result of a guard.
    if (this.inPlace?.guard) return this.inPlace.guard.canActivate(context) as boolean | Promise<boolean>;
    return this.#isAdmittedAgain(context) || this.#admit(context);
  }

  /**
   * Admits a field of a GraphQL request that was admitted before, such as an alias or a field of a list. Synchronous, because a
   * promise would cost more than the remaining checks. `false`: {@link AuthGuard.#admit} must decide, even if only to reject.
   */
  #isAdmittedAgain(context: ExecutionContext): boolean {
    if (context.getType<string>() !== 'graphql' || this.options.loadUser) return false;
    const { info, source } = readGraphQLCall(context.getArgs()) ?? {};
    if (!info || !source || isOfSubscription(info)) return false;
    const admission = recallField(source, this.options, context);
    if (!admission) return false;
    const { token, scheme } = admission;
    if (
      !isCurrent(token.claims, this.tokens.optionsOf(token)) ||
      this.tokens.revocations.covers(token.claims)
    )
      return false;
    const decision = new Decision(context, token.issuer.name);
    decision.scheme = scheme;
    // The call that was admitted first may not have attached the principal yet.
    if (principalOf(source.carrier) !== token)
      attachPrincipal(source.carrier, token, this.options.userProperty);
    return decision.allow('token');
  }

  async #admit(context: ExecutionContext): Promise<true> {
    const decision = new Decision(context, this.tokens.issuers.only?.name);
    let policy: RoutePolicy | undefined;
    try {
      const transport = findTransport(context);
      const preparing = transport?.prepare?.();
      if (preparing) await preparing;
      policy = policyOf(context);
      if (!isRegisteredClass(context.getClass()) && isOfController(context)) throw unknownClass(context);
      const call = transport?.callOf(context);
      if (call) markAsGuarded(call.carrier);
      if (call && transport?.kind === 'ws') refuseEnded(call);
      if (policy.access === 'public') {
        if (call?.connection && transport?.kind === 'ws')
          detachPrincipal(call.carrier, this.options.userProperty);
        return decision.allow('public');
      }

      if (!transport) throw new UnsupportedContextError(context.getType());
      if (!call) throw new ConfigurationError('no request', { detail: transport.missingRequest });
      if (isAdmitted(call.operation, this.options, policy)) return true;
      // Values that are not promises are not awaited: three awaits would cost a third of the guard's time for a cached token.
      const resolved = this.#readCredentials(transport, call, context);
      const credentials = resolved instanceof Promise ? await resolved : resolved;
      if (!credentials) {
        if (policy.access !== 'optional') throw new MissingTokenError();
        return decision.allow('anonymous');
      }
      if (credentials.scheme === 'DPoP' && !this.proofs) throw dpopIsOff();
      decision.scheme = credentials.scheme;

      const validation = this.#validate(credentials.token, policy.introspectMaxAge, call);
      const validated = validation instanceof Promise ? await validation : validation;
      decision.issuer = validated.issuer.name;
      const issuerOptions = this.tokens.optionsOf(validated);
      const unaccepted = checkRecipient(validated, policy, issuerOptions.audience);
      if (unaccepted) throw unaccepted;
      this.tokens.revocations.check(validated.claims);
      const binding = this.#checkBinding(validated, credentials.scheme, policy, context, transport, call);
      if (binding) await binding;
      const checked = checkAccess(validated, policy, issuerOptions, call.request);
      const denial = checked instanceof Promise ? await checked : checked;
      if (!denial && transport === graphqlTransport && accessOf(policy).isStable)
        rememberField(call, { options: this.options, token: validated, scheme: credentials.scheme }, context);
      // A request waits once: if a principal is attached, another handler of the request has waited already.
      const batch =
        principalOf(call.carrier) === undefined ? this.tokens.queue.waitForBatch(call.operation) : undefined;
      if (batch) await batch;
      if (denial) throw denial;

      const { userProperty } = this.options;
      // For a connection, the user is loaded for each message, not in the handshake.
      const isHandshake = context instanceof HandshakeContext;
      const loadUser = isHandshake ? undefined : this.options.loadUser;
      const principal = loadUser
        ? await callerOf(call, this.options)
            .principal(call.operation, validated.token)
            .get(() => loadPrincipal(validated, loadUser, context))
        : validated;
      const hasUser = !isHandshake || !this.options.loadUser;
      attachPrincipal(call.carrier, principal, hasUser ? userProperty : false, call.operation);
      if (isCalledOnce(context, call)) rememberAdmission(call.operation, this.options, policy);
      if (staysOpen(context)) this.#endWithToken(validated, context);
      const connection = connectionOf(call.carrier);
      if (connection && !connection.token) {
        connection.admit(validated, issuerOptions.clockTolerance, this.streams);
        forgetCaller(call.carrier);
      }
      return decision.allow('token');
    } catch (error) {
      decision.refuse(error);
      throw this.#refusals.refuse(error, context, routeOf(context), () =>
        offerFor(this.options, policy, decision.scheme),
      );
    }
  }

  /** Calls a resolver of the application, and reads what a client connected with (it may be long), once for each caller. */
  #readCredentials(
    transport: Transport,
    call: Call,
    context: ExecutionContext,
  ): Credentials | undefined | Promise<Credentials | undefined> {
    const read = () => transport.credentialsOf(call, this.options, context);
    const isAtHand =
      transport.kind === 'ws' ? isKnown(call.connection) : !this.options.tokenResolver && !call.connection;
    if (call.message || isAtHand) return read();
    return callerOf(call, this.options).credentials.get(read);
  }

  /** All handlers of a request share a validation that has to be awaited, also if the token is rejected. */
  #validate(
    token: string,
    introspectMaxAge: number | undefined,
    call: Call,
  ): ValidatedToken | Promise<ValidatedToken> {
    if (call.message) return this.tokens.validate(token, introspectMaxAge, call.request);
    const known = knownCaller(call, this.options)?.validation(introspectMaxAge);
    const validate = (): ValidatedToken | Promise<ValidatedToken> =>
      this.tokens.validate(token, introspectMaxAge, call.request, connectionOf(call.carrier)?.token);
    if (known?.hasBegun === true)
      return whenReady(known.get(validate), (validated) => this.#recheck(validated));
    const validation = validate();
    if (!(validation instanceof Promise)) return validation;
    return callerOf(call, this.options)
      .validation(introspectMaxAge)
      .get(() => validation);
  }

  /** Checks the times again, because the token may have expired since it was validated. */
  #recheck(validated: ValidatedToken): ValidatedToken {
    checkTimes(validated.claims, this.tokens.optionsOf(validated));
    return validated;
  }

  #checkBinding(
    { token, claims }: ValidatedToken,
    scheme: Credentials['scheme'],
    policy: RoutePolicy,
    context: ExecutionContext,
    transport: Transport,
    call: Call,
  ): void | Promise<void> {
    return enforceSenderConstraint(claims, {
      scheme,
      certificate: () =>
        call.message
          ? call.message.certificate()
          : callerOf(call, this.options).certificate.get(() =>
              resolveCertificate(call.request, this.options, this.#log),
            ),
      certificateAsked: policy.certificateBound || this.options.validateCertificateBinding === 'required',
      dpopAsked: policy.dpopBound || this.options.dpop.mode === 'required',
      bindingAsked: this.options.profile === 'fapi2',
      verifyProof: async (jkt) => {
        if (call.message)
          throw invalidToken('binding', 'a DPoP proof is for an HTTP request, never for a message');
        await callerOf(call, this.options)
          .proof(jkt)
          .get(() => this.#verifyProof(token, jkt, context, transport, call));
      },
    });
  }

  async #verifyProof(
    token: string,
    jkt: string,
    context: ExecutionContext,
    transport: Transport,
    { request }: Call,
  ): Promise<void> {
    const { proofs } = this;
    if (!proofs) throw dpopIsOff();
    const header = request.headers['dpop'];
    const presented = {
      proof: Array.isArray(header) ? header.join(',') : header,
      token,
      method: request.method ?? '',
      targetUri: targetUriOf(request, this.options),
      jkt,
    };
    const nextNonce = await this.tokens.queue.verify(() => proofs.verify(presented));
    if (nextNonce !== undefined) transport.setHeader(context, 'DPoP-Nonce', nextNonce);
  }

  /** Ends subscriptions, streamed replies and server-sent events when the token ends. */
  #endWithToken(validated: ValidatedToken, context: ExecutionContext): void {
    const { claims, issuer } = validated;
    const { clockTolerance } = this.tokens.optionsOf(validated);
    const holder = { issuer: issuer.issuer, claims, clockTolerance };
    const refuse = (error: AuthError): Error =>
      this.#refusals.refuse(error, context, routeOf(context), () => offerFor(this.options));
    endSubscription(context, this.streams, holder, refuse);
    endReply(context, this.streams, holder, refuse);
    endServerSentEvents(context, this.streams, holder);
  }
}

/** Whether the response may stay open after the handler has started it. */
function staysOpen(context: ExecutionContext): boolean {
  const type = context.getType<string>();
  return type === 'graphql' || type === 'rpc' || streamsEvents(context.getHandler());
}

/** Whether the class is a controller: Nest creates HTTP routes and message handlers only from controllers. */
function isOfController(context: ExecutionContext): boolean {
  const type = context.getType();
  return type === 'http' || (type === 'rpc' && isMessageHandler(context.getHandler()));
}

/** Whether the operation stands for this call alone. Messages that share an operation are checked one by one. */
function isCalledOnce(context: ExecutionContext, { connection, operation, carrier }: Call): boolean {
  const type = context.getType<string>();
  return (type === 'http' && !connection) || (type === 'ws' && operation !== carrier);
}

/** Rejects what a client still sends after this module has ended its connection. */
function refuseEnded({ carrier }: Call): void {
  if (connectionOf(carrier)?.hasEnded) throw invalidToken('expired', 'the token of the connection ended');
}

const dpopIsOff = (): TokenError => invalidToken('binding', 'DPoP is turned off');

const unknownClass = (context: ExecutionContext): ConfigurationError =>
  new ConfigurationError(
    `${context.getClass().name} was not registered at start-up: its decorators were never checked`,
  );
