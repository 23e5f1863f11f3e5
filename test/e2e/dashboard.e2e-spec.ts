/** The dashboard and the alert rules of docs/deploy ask for what the application exports to Prometheus, and for nothing else. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { parser } from '@prometheus-io/lezer-promql';
import {
  MemoryRevocationStore,
  TokenRevocations,
  type AuthModuleOptions,
  type RevocationListener,
} from 'nestjs-resource-server';
import { recordTelemetry } from 'nestjs-resource-server/opentelemetry';
import { parse } from 'yaml';
import { PLATFORMS, ThingsController, type Platform, type TestApp } from '../support/app.js';
import { DPoPClient } from '../support/dpop.js';
import { bearer, send } from '../support/http.js';
import { Issuer } from '../support/issuer.js';
import { keepSecret } from '../support/no-secrets-in-output.js';
import { bootGateways, closeClients, connect } from '../support/sockets.js';
import { makeKey, nowInSeconds, signToken } from '../support/tokens.js';

interface Query {
  readonly where: string;
  readonly expression: string;
  /** `{{label}}` of a legend or an annotation. */
  readonly shown: readonly string[];
}

interface Panel {
  readonly title: string;
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly annotations: Readonly<Record<string, string>>;
}

const labelsShown = (text: string): string[] =>
  [...text.matchAll(/\{\{\s*(?:\$labels\.)?(\w+)[^}]*\}\}/g)].map(([, label = '']) => label);

function readDashboard(): Query[] {
  const { panels, templating } = JSON.parse(readFileSync('docs/deploy/grafana-dashboard.json', 'utf8')) as {
    panels: Panel[];
    templating: { list: { name: string; definition?: string }[] };
  };
  const ofPanels = panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr, legendFormat }) => ({
      where: title,
      expression: expr.replaceAll(/\$__(rate_interval|range)/g, '5m'),
      shown: labelsShown(legendFormat),
    })),
  );
  const ofVariables = templating.list.flatMap(({ name, definition }) => {
    const [, expression, label] = /^label_values\((.*), (\w+)\)$/.exec(definition ?? '') ?? [];
    return expression && label ? [{ where: `$${name}`, expression, shown: [] }] : [];
  });
  return [...ofPanels, ...ofVariables];
}

function readRules(): Query[] {
  const { groups } = parse(readFileSync('docs/deploy/alerts.yml', 'utf8')) as { groups: { rules: Rule[] }[] };
  return groups
    .flatMap(({ rules }) => rules)
    .map(({ alert, expr, annotations }) => ({
      where: alert,
      expression: expr,
      shown: labelsShown(Object.values(annotations).join(' ')),
    }));
}

interface Matcher {
  readonly label: string;
  readonly operator: string;
  readonly value: string;
}

interface Selector {
  readonly metric: RegExp;
  readonly matchers: readonly Matcher[];
}

interface Parsed {
  readonly errors: readonly string[];
  readonly selectors: readonly Selector[];
  /** Of `by`. */
  readonly grouping: readonly string[];
}

function parseExpression(expression: string): Parsed {
  const errors: string[] = [];
  const grouping: string[] = [];
  const selectors: { metric: RegExp; matchers: Matcher[] }[] = [];
  parser.parse(expression).iterate({
    enter({ name, from, to, type, node }) {
      const text = expression.slice(from, to);
      if (type.isError) errors.push(`${from}: ${text}`);
      if (name === 'LabelName' && node.parent?.name === 'GroupingLabels') grouping.push(text);
      if (name === 'VectorSelector') selectors.push({ metric: /^$/, matchers: [] });
      const selector = selectors.at(-1);
      if (selector && name === 'Identifier') selector.metric = new RegExp(`^${text}$`);
      if (!selector || name !== 'UnquotedLabelMatcher') return;
      const [, label = '', operator = '', value = ''] = /^(\w+)\s*(=~|!~|!=|=)\s*"(.*)"$/s.exec(text) ?? [];
      if (label === '__name__') selector.metric = new RegExp(`^(?:${value})$`);
      else selector.matchers.push({ label, operator, value });
    },
  });
  return { errors, grouping, selectors };
}

/** Each metric of an answer to Prometheus, with the values of its labels. */
type Exported = ReadonlyMap<string, ReadonlyMap<string, ReadonlySet<string>>>;

function readExported(text: string): Exported {
  const exported = new Map<string, Map<string, Set<string>>>();
  for (const [, name = '', labels = ''] of text.matchAll(/^(resource_server_\w+)\{(.*)\} \S+$/gm)) {
    const known = exported.get(name) ?? new Map<string, Set<string>>();
    exported.set(name, known);
    for (const [, label = '', value = ''] of labels.matchAll(/(\w+)="([^"]*)"/g)) {
      known.set(label, (known.get(label) ?? new Set<string>()).add(value));
    }
  }
  return exported;
}

/** Given by Prometheus to all that it reads. */
const TARGET_LABELS = ['job', 'instance'];
/** What the templates of alerts have besides. */
const TEMPLATE_VALUES = ['value'];

/** What of a query does not exist. */
function findUnknown({ expression, shown }: Query, exported: Exported): string[] {
  const { errors, grouping, selectors } = parseExpression(expression);
  const unknown = [...errors];
  for (const { metric, matchers } of selectors) {
    const name = [...exported.keys()].find((each) => metric.test(each));
    const labels = name === undefined ? undefined : exported.get(name);
    if (!labels) {
      unknown.push(`no metric ${String(metric)}`);
      continue;
    }
    const has = (label: string): boolean => TARGET_LABELS.includes(label) || labels.has(label);
    unknown.push(...grouping.filter((label) => !has(label)).map((label) => `${name} has no ${label}`));
    for (const { label, operator, value } of matchers.filter((each) => !each.value.startsWith('$'))) {
      const values = [...(labels.get(label) ?? [])];
      const alternatives = operator.endsWith('~') ? value.split('|') : [value];
      for (const each of alternatives) {
        const isKnown = operator.endsWith('~') ? new RegExp(`^(?:${each})$`) : undefined;
        if (!values.some((found) => isKnown?.test(found) ?? found === each)) {
          unknown.push(`${name} has no ${label}="${each}"`);
        }
      }
    }
  }
  const kept = [...grouping, ...TARGET_LABELS, ...TEMPLATE_VALUES];
  return [...unknown, ...shown.filter((label) => !kept.includes(label)).map((label) => `no {{${label}}}`)];
}

@WebSocketGateway()
class ThingsGateway {
  @SubscribeMessage('list') list(): unknown {
    return { event: 'listed' };
  }
}

/** Two instances share it, as they would a Redis; it can fail. */
class SharedStore extends MemoryRevocationStore {
  fails = false;
  override add(...[revocation]: Parameters<MemoryRevocationStore['add']>): boolean {
    if (this.fails) throw new Error('the store fails');
    return super.add(revocation);
  }
  override subscribe(listener: RevocationListener): () => void {
    return super.subscribe((revocation) => listener(revocation, 0.02));
  }
}

/** Makes everything happen once that the dashboard shows, and answers what Prometheus then reads. */
async function exportAll(platform: Platform): Promise<string> {
  const exporter = new PrometheusExporter({ preventServerStart: true });
  const provider = new MeterProvider({ readers: [exporter] });
  const stop = recordTelemetry({ meter: provider.getMeter('nestjs-resource-server') });
  const scraped: Server = createServer((request, response) =>
    exporter.getMetricsRequestHandler(request, response),
  );
  await new Promise<void>((resolve) => scraped.listen(0, '127.0.0.1', resolve));
  const issuer = await Issuer.start();
  const apps: TestApp[] = [];
  const boot = async (options: AuthModuleOptions): Promise<TestApp> => {
    const app = await bootGateways('ws', options, {
      platform,
      controllers: [ThingsController],
      gateways: [ThingsGateway],
    });
    apps.push(app);
    return app;
  };
  try {
    const revocationStore = new SharedStore();
    const options: AuthModuleOptions = {
      ...issuer.options,
      revocationStore,
      backChannelLogout: true,
      logoutAudience: 'the-web-client',
    };
    const app = await boot(options);
    await boot(options);
    const misconfigured = await boot({ ...issuer.options, issuer: `${issuer.server.issuer}/other` });
    const get = (token: string, of = app) => of.get('/things', bearer(token));

    await get(issuer.token());
    await get(issuer.token({}, makeKey('ES256', issuer.key.jwk.kid)));
    await get(issuer.token({ header: { kid: 'nobody-knows' } }));
    await get(issuer.token({ claims: { iss: 'https://other.example' } }));
    await get(issuer.token({ claims: { aud: 'https://other.example' } }));
    await get(issuer.token({ claims: { nbf: 4_000_000_000 } }));
    const client = await DPoPClient.make();
    const bound = issuer.token({ claims: { cnf: { jkt: client.jkt } } });
    await get(bound);
    await app.get('/things', client.headers({ url: 'https://other.example/', token: bound }));
    await get(issuer.token({ claims: { iss: `${issuer.server.issuer}/other` } }), misconfigured);

    await app.nest.get(TokenRevocations).revoke({ sub: 'revoked' });
    await get(issuer.token({ claims: { sub: 'revoked', iat: nowInSeconds() - 60 } }));
    const connection = await connect('ws', app.origin, { headers: bearer(issuer.token()) });
    connection.send('list');
    await connection.next('listed');
    revocationStore.fails = true;
    await app.send('/backchannel-logout', {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: `logout_token=${logoutToken(issuer)}`,
    });

    issuer.server.goDown();
    await get(issuer.token(), await boot(issuer.options));
    const { port } = scraped.address() as AddressInfo;
    return (await send(`http://127.0.0.1:${port}/metrics`)).text;
  } finally {
    stop();
    closeClients();
    for (const app of apps) await app.close();
    await issuer.close();
    await provider.shutdown();
    scraped.close();
    scraped.closeAllConnections();
  }
}

function logoutToken(issuer: Issuer): string {
  const claims = {
    iss: issuer.server.issuer,
    aud: 'the-web-client',
    iat: nowInSeconds(),
    exp: nowInSeconds() + 120,
    jti: randomUUID(),
    sub: 'u1',
    events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
  };
  return keepSecret(signToken(issuer.key, claims, { header: { typ: 'logout+jwt' } }));
}

const QUERIES = [...readDashboard(), ...readRules()];

describe.each(PLATFORMS)('what an application on %s exports to Prometheus', (platform) => {
  let exported: Exported;
  beforeAll(async () => {
    exported = readExported(await exportAll(platform));
  });

  it.each(QUERIES.map((query) => [query.where, query] as const))('is all that "%s" asks for', (_, query) => {
    expect(findUnknown(query, exported)).toEqual([]);
  });

  it('is all on the dashboard', () => {
    const asked = QUERIES.flatMap(({ expression }) => parseExpression(expression).selectors);
    const families = new Set([...exported.keys()].map((name) => name.replace(/_(bucket|count|sum)$/, '')));
    expect(families.size).toBe(6);
    for (const family of families) {
      const names = [...exported.keys()].filter((name) => name.startsWith(family));
      expect([family, asked.some(({ metric }) => names.some((name) => metric.test(name)))]).toEqual([
        family,
        true,
      ]);
    }
  });
});

describe('the queries of the dashboard and the rules', () => {
  it.each(QUERIES.map((query) => [query.where, query] as const))(
    '"%s" also finds names to which the Collector has appended the unit',
    (_, { expression }) => {
      for (const { metric } of parseExpression(expression).selectors) {
        const [, family = '', part = ''] =
          /(resource_server_\w+?)(?:\(_seconds\)\?(_\w+))?\)?\$$/.exec(metric.source) ?? [];
        const isDuration = /(duration|lag)$/.test(family);
        expect(metric.test(isDuration ? `${family}_seconds${part}` : family)).toBe(true);
      }
    },
  );

  it('a name that is not exported is found', () => {
    const exported = readExported('resource_server_a_count{route="x",reason="y"} 1');
    const query = (expression: string): Query => ({ where: '', expression, shown: [] });
    expect(findUnknown(query('sum by (route) (resource_server_a_count{reason="y"})'), exported)).toEqual([]);
    for (const expression of [
      'resource_server_b_count',
      'resource_server_a_count{reason="z"}',
      'resource_server_a_count{reason=~"y|z"}',
      'resource_server_a_count{other="y"}',
      'sum by (other) (resource_server_a_count)',
      'sum by (route) (resource_server_a_count',
    ]) {
      expect([expression, findUnknown(query(expression), exported).length]).toEqual([expression, 1]);
    }
  });
});
