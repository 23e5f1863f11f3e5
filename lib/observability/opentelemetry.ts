/**
 * Records decisions of the guard and calls to the authorization server as OpenTelemetry metrics and spans.
 *
 * An application that does not import this entry point does not load it. It does not import OpenTelemetry: the application
 * passes a meter and a tracer.
 *
 * @module nestjs-resource-server/opentelemetry
 */
import { subscribe, unsubscribe, type ChannelListener } from 'node:diagnostics_channel';
import { DECISION_CHANNEL, type DecisionEvent } from '../guard/decision-events.js';
import { CONNECTION_CHANNEL, type ConnectionEvent } from '../guard/sockets/connection.js';
import {
  RECEIVED_EVENT_CHANNEL,
  REVOCATION_CHANNEL,
  type ReceivedEvent,
  type RevocationEvent,
} from '../revocation/revocation-events.js';
import { PROVIDER_CALL_CHANNEL, type ProviderCallEvent } from '../issuer/provider-call.js';

type Attributes = Record<string, string | number>;

/** The part of OpenTelemetry's `Meter` that is used. */
export interface MeterLike {
  createHistogram(
    name: string,
    options: {
      readonly description: string;
      readonly unit: string;
      /** Not in OpenTelemetry's API before 1.7, which ignores it: then set the boundaries in a view. */
      readonly advice: { explicitBucketBoundaries: number[] };
    },
  ): { record(value: number, attributes: Attributes): void };
  /** Not in OpenTelemetry's API before 1.9. */
  createGauge?(
    name: string,
    options: { readonly description: string; readonly unit: string },
  ): { record(value: number): void };
  createUpDownCounter?(
    name: string,
    options: { readonly description: string; readonly unit: string },
  ): { add(value: number, attributes: Attributes): void };
  createCounter?(
    name: string,
    options: { readonly description: string; readonly unit: string },
  ): { add(value: number, attributes: Attributes): void };
}

/** The part of OpenTelemetry's `Tracer` that is used. */
export interface TracerLike {
  startSpan(
    name: string,
    options: { readonly kind: number; readonly startTime: Date; readonly attributes: Attributes },
  ): { setStatus(status: { readonly code: number }): unknown; end(endTime: Date): void };
}

/** The meter and the tracer to record with. Each can be left out. */
export interface TelemetryOptions {
  /** For metrics: `metrics.getMeter('nestjs-resource-server')`. @default no metrics */
  readonly meter?: MeterLike | undefined;
  /** For spans: `trace.getTracer('nestjs-resource-server')`. @default no spans */
  readonly tracer?: TracerLike | undefined;
}

/** SpanKind.CLIENT and SpanStatusCode.ERROR of OpenTelemetry's API. */
const CLIENT = 2;
const ERROR = 2;

/**
 * Upper bounds of the buckets, in seconds. OpenTelemetry's defaults are for milliseconds: everything up to five seconds would be in
 * one bucket. The guard takes tenths of a millisecond, or waits for the provider.
 */
const DECISION_BOUNDARIES = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10,
];
/** The upper bounds that OpenTelemetry's semantic conventions recommend for HTTP calls. */
const CALL_BOUNDARIES = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

/**
 * Records metrics and spans for all modules of this process:
 *
 * - `resource_server.decision.duration`: a histogram in seconds, by `outcome`, `reason`, `route`, `issuer`, and
 *   `http.response.status_code` for rejections;
 * - `resource_server.provider.duration`: a histogram in seconds, by `operation`, `outcome`, `issuer` and
 *   `http.response.status_code`;
 * - `resource_server.connections.open`: an up-down counter of the open WebSocket connections of gateways, by `state` (`token`,
 *   `anonymous`) and `place`; connections that were opened before the call are not counted;
 * - `resource_server.revocations.known`: a gauge of the number of revocations that this instance knows;
 * - `resource_server.revocation.lag`: a histogram in seconds, from the instance that revoked to this one;
 * - `resource_server.received_events`: a counter of logout tokens and security events, by `receiver`, `type` and `outcome`;
 * - a span for each call to the authorization server, as a child of the span of the request that caused it.
 *
 * No attribute contains a value that a caller chooses.
 *
 * @returns a function that ends the recording
 *
 * @example
 * ```ts
 * recordTelemetry({ meter: metrics.getMeter('orders-api'), tracer: trace.getTracer('orders-api') });
 * ```
 */
export function recordTelemetry({ meter, tracer }: TelemetryOptions): () => void {
  const decisionDuration = meter?.createHistogram('resource_server.decision.duration', {
    description: 'Duration of the decisions of the guard',
    unit: 's',
    advice: { explicitBucketBoundaries: DECISION_BOUNDARIES },
  });
  const providerDuration = meter?.createHistogram('resource_server.provider.duration', {
    description: 'Duration of calls to the authorization server',
    unit: 's',
    advice: { explicitBucketBoundaries: CALL_BOUNDARIES },
  });

  const revocationsKnown = meter?.createGauge?.('resource_server.revocations.known', {
    description: 'Number of revocations that this instance knows',
    unit: '{revocation}',
  });
  const revocationLag = meter?.createHistogram('resource_server.revocation.lag', {
    description: 'Time from a revocation in another instance until this instance knows it',
    unit: 's',
    advice: { explicitBucketBoundaries: CALL_BOUNDARIES },
  });
  const receivedEvents = meter?.createCounter?.('resource_server.received_events', {
    description: 'Received logout tokens and security events',
    unit: '{event}',
  });

  const openConnections = meter?.createUpDownCounter?.('resource_server.connections.open', {
    description: 'Open WebSocket connections of gateways',
    unit: '{connection}',
  });

  const onConnection: ChannelListener = (message) => {
    const { change, state, place } = message as ConnectionEvent;
    if (change === 'opened' || change === 'authenticated') openConnections?.add(1, { state, place });
    if (change === 'closed') openConnections?.add(-1, { state, place });
    // The connection was counted under another state.
    if (change === 'authenticated') openConnections?.add(-1, { state: 'anonymous', place });
  };
  const onDecision: ChannelListener = (message) => {
    const { outcome, reason, route, issuer, status, duration } = message as DecisionEvent;
    const attributes = {
      outcome,
      reason,
      route,
      ...(issuer !== undefined && { issuer }),
      ...statusCode(status),
    };
    decisionDuration?.record(duration, attributes);
  };
  const onCall: ChannelListener = (message) => {
    const { operation, outcome, issuer, status, duration } = message as ProviderCallEvent;
    const attributes = { operation, outcome, issuer, ...statusCode(status) };
    providerDuration?.record(duration, attributes);
    if (!tracer) return;
    const endTime = new Date();
    const startTime = new Date(endTime.getTime() - duration * 1000);
    const span = tracer.startSpan(`resource_server ${operation}`, { kind: CLIENT, startTime, attributes });
    if (outcome !== 'answered' || (status ?? 0) >= 500) span.setStatus({ code: ERROR });
    span.end(endTime);
  };

  const onRevocation: ChannelListener = (message) => {
    const { origin, known, lag } = message as RevocationEvent;
    revocationsKnown?.record(known);
    if (lag !== undefined) revocationLag?.record(lag, { origin });
  };
  const onReceived: ChannelListener = (message) => {
    const { receiver, type, outcome } = message as ReceivedEvent;
    receivedEvents?.add(1, { receiver, type, outcome });
  };

  subscribe(CONNECTION_CHANNEL, onConnection);
  subscribe(REVOCATION_CHANNEL, onRevocation);
  subscribe(RECEIVED_EVENT_CHANNEL, onReceived);
  subscribe(DECISION_CHANNEL, onDecision);
  subscribe(PROVIDER_CALL_CHANNEL, onCall);
  return () => {
    unsubscribe(CONNECTION_CHANNEL, onConnection);
    unsubscribe(REVOCATION_CHANNEL, onRevocation);
    unsubscribe(RECEIVED_EVENT_CHANNEL, onReceived);
    unsubscribe(DECISION_CHANNEL, onDecision);
    unsubscribe(PROVIDER_CALL_CHANNEL, onCall);
  };
}

function statusCode(status: number | undefined): Attributes {
  return status === undefined ? {} : { 'http.response.status_code': status };
}
