/** What those who watch are told: every decision and every call to the provider, and nothing that a caller chose. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { Controller, Get } from '@nestjs/common';
import { metrics, trace } from '@opentelemetry/api';
import {
  AggregationTemporality,
  DataPointType,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import {
  DECISION_CHANNEL,
  OptionalAuth,
  PROVIDER_CALL_CHANNEL,
  Public,
  Scopes,
  TokenRevocations,
  type AuthModuleOptions,
  type DecisionEvent,
  type ProviderCallEvent,
} from 'nestjs-resource-server';
import { recordTelemetry } from 'nestjs-resource-server/opentelemetry';
import { bootApp, PLATFORMS, type TestApp } from '../support/app.js';
import { bearer } from '../support/http.js';
import { Issuer } from '../support/issuer.js';
import { makeKey } from '../support/tokens.js';

@Controller()
class ThingsController {
  @Get('things') list(): string {
    return 'things';
  }
  @Get('scoped') @Scopes('write:things') scoped(): string {
    return 'scoped';
  }
  @Get('open') @Public() open(): string {
    return 'open';
  }
  @Get('maybe') @OptionalAuth() maybe(): string {
    return 'maybe';
  }
}

describe.each(PLATFORMS)('events on %s', (platform) => {
  let issuer: Issuer;
  let app: TestApp;
  const decisions: DecisionEvent[] = [];
  const calls: ProviderCallEvent[] = [];
  const onDecision = (event: unknown): unknown => decisions.push(event as DecisionEvent);
  const onCall = (event: unknown): unknown => calls.push(event as ProviderCallEvent);

  beforeEach(async () => {
    decisions.length = 0;
    calls.length = 0;
    subscribe(DECISION_CHANNEL, onDecision);
    subscribe(PROVIDER_CALL_CHANNEL, onCall);
    issuer = await Issuer.start();
  });
  afterEach(async () => {
    unsubscribe(DECISION_CHANNEL, onDecision);
    unsubscribe(PROVIDER_CALL_CHANNEL, onCall);
    await app.close();
    await issuer.close();
  });

  const boot = async (options: AuthModuleOptions = {}): Promise<void> => {
    app = await bootApp(
      { ...issuer.options, warmUp: 'off', ...options },
      { platform, controllers: [ThingsController] },
    );
  };
  const get = (path: string, token?: string) => app.get(path, token === undefined ? {} : bearer(token));
  const decided = (): unknown[] =>
    decisions.map(({ outcome, reason, status, route, scheme }) => [outcome, reason, status, route, scheme]);

  it('tell each decision: how it went, why, where, and how long it took', async () => {
    await boot();
    await get('/things', issuer.token());
    await get('/open');
    await get('/maybe');
    await get('/things');
    await get('/scoped', issuer.token({ claims: { scope: 'read:things' } }));
    expect(decided()).toEqual([
      ['allowed', 'token', undefined, 'ThingsController.list', 'Bearer'],
      ['allowed', 'public', undefined, 'ThingsController.open', undefined],
      ['allowed', 'anonymous', undefined, 'ThingsController.maybe', undefined],
      ['refused', 'missing_token', 401, 'ThingsController.list', undefined],
      ['refused', 'scope', 403, 'ThingsController.scoped', 'Bearer'],
    ]);
    for (const { issuer: name, duration } of decisions) {
      expect(name).toBe(issuer.server.issuer);
      expect(duration).toBeGreaterThan(0);
    }
  });

  it.each<[string, (issuer: Issuer) => string]>([
    ['malformed', () => 'a.b.c'],
    ['algorithm', (of) => of.token({ header: { alg: 'HS256' } })],
    ['type', (of) => of.token({ header: { typ: 'dpop+jwt' } })],
    ['issuer', (of) => of.token({ claims: { iss: 'https://other.example' } })],
    ['audience', (of) => of.token({ claims: { aud: 'https://other.example' } })],
    ['expired', (of) => of.token({ claims: { exp: 1 } })],
    ['not_yet_valid', (of) => of.token({ claims: { nbf: 4_000_000_000 } })],
    ['claims', (of) => of.token({ claims: { exp: 'tomorrow' } })],
    ['signature', (of) => of.token({}, makeKey('ES256', of.key.jwk.kid))],
    ['unknown_key', (of) => of.token({ header: { kid: 'nobody-knows' } })],
    ['binding', (of) => of.token({ claims: { cnf: { jkt: 'AAAA' } } })],
    ['not_introspected', () => 'opaque'],
  ])('count a refusal as %s', async (reason, make) => {
    await boot();
    expect((await get('/things', make(issuer))).status).toBe(401);
    expect(decisions).toMatchObject([{ outcome: 'refused', reason, status: 401 }]);
  });

  it('tell each call to the provider', async () => {
    await boot(issuer.introspecting);
    await get('/things', issuer.token());
    await get('/things', issuer.opaqueToken());
    await get('/things', 'inactive-token');
    issuer.server.answerWith('/introspect', 500, '');
    await get('/things', issuer.opaqueToken());
    issuer.server.goDown();
    await get('/things', issuer.opaqueToken());
    expect(calls.map(({ operation, outcome, status }) => [operation, outcome, status])).toEqual([
      ['discovery', 'answered', 200],
      ['jwks', 'answered', 200],
      ['introspection', 'answered', 200],
      ['introspection', 'answered', 200],
      ['introspection', 'answered', 500],
      ['introspection', 'failed', undefined],
    ]);
    expect(decisions.map(({ reason }) => reason)).toEqual([
      'token',
      'token',
      'inactive',
      'provider_unavailable',
      'provider_unavailable',
    ]);
  });

  it('tell a call that took too long from one that failed', async () => {
    issuer.server.answer('/jwks', () => undefined);
    await boot({ responseTimeout: 0.2 });
    await get('/things', issuer.token());
    // The request's own deadline may come first.
    while (calls.length < 2) await new Promise((resolve) => setImmediate(resolve));
    expect(calls[1]).toMatchObject({ operation: 'jwks', outcome: 'timeout' });
  });

  it('hold nothing that a caller chose', async () => {
    await boot(issuer.introspecting);
    const marker = 'chosen-by-the-caller';
    const token = issuer.token({
      header: { kid: marker, typ: 'at+jwt' },
      claims: { sub: marker, iss: marker, aud: marker, jti: marker },
    });
    await app.get(`/things?x=${marker}`, { ...bearer(token), 'x-request-id': marker });
    await get('/things', issuer.opaqueToken({ sub: marker, scope: marker }));
    expect(decisions).toHaveLength(2);
    expect(JSON.stringify([decisions, calls])).not.toContain(marker);
  });

  it('become OpenTelemetry metrics and spans', async () => {
    const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
    const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
    const provider = new MeterProvider({ readers: [reader] });
    const spans = new InMemorySpanExporter();
    const tracing = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] });
    metrics.setGlobalMeterProvider(provider);
    trace.setGlobalTracerProvider(tracing);
    const stop = recordTelemetry({
      meter: metrics.getMeter('nestjs-resource-server'),
      tracer: trace.getTracer('nestjs-resource-server'),
    });
    await boot();
    await get('/things', issuer.token());
    await get('/things', 'a.b.c');
    stop();
    await get('/things', issuer.token());

    await reader.forceFlush();
    const [scope] = exporter.getMetrics().at(-1)?.scopeMetrics ?? [];
    const points = (scope?.metrics ?? []).flatMap(({ descriptor, dataPointType, dataPoints }) => {
      expect([dataPointType, descriptor.unit]).toEqual([DataPointType.HISTOGRAM, 's']);
      return dataPoints.map(({ attributes, value }) => [
        descriptor.name,
        attributes['reason'] ?? attributes['operation'],
        (value as { count: number }).count,
      ]);
    });
    expect(points).toEqual([
      ['resource_server.decision.duration', 'token', 1],
      ['resource_server.decision.duration', 'malformed', 1],
      ['resource_server.provider.duration', 'discovery', 1],
      ['resource_server.provider.duration', 'jwks', 1],
    ]);
    // Those of OpenTelemetry are for milliseconds: all that is faster than five seconds would be one bucket.
    for (const { dataPoints } of scope?.metrics ?? []) {
      const [{ buckets } = { buckets: { boundaries: [] as number[] } }] = dataPoints.map(
        ({ value }) => value as { buckets: { boundaries: number[] } },
      );
      expect(buckets.boundaries.filter((boundary) => boundary > 0 && boundary < 0.5).length).toBeGreaterThan(
        5,
      );
    }
    expect(spans.getFinishedSpans().map(({ name, kind }) => [name, kind])).toEqual([
      ['resource_server discovery', 2],
      ['resource_server jwks', 2],
    ]);
    await provider.shutdown();
    metrics.disable();
    trace.disable();
  });

  it('make metrics of revocations: how many are known, and what they refused', async () => {
    const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
    const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
    const provider = new MeterProvider({ readers: [reader] });
    const stop = recordTelemetry({ meter: provider.getMeter('nestjs-resource-server') });
    await boot();
    const token = issuer.token();
    await app.nest.get(TokenRevocations).revoke({ sub: 'user-1' });
    await get('/things', token);
    stop();
    await reader.forceFlush();
    const [scope] = exporter.getMetrics().at(-1)?.scopeMetrics ?? [];
    const valueOf = (name: string): unknown =>
      scope?.metrics.find(({ descriptor }) => descriptor.name === name)?.dataPoints[0];
    expect(valueOf('resource_server.revocations.known')).toMatchObject({ value: 1 });
    expect(valueOf('resource_server.decision.duration')).toMatchObject({ attributes: { reason: 'revoked' } });
    await provider.shutdown();
  });
});
