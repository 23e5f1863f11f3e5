/** The files of docs/deploy fit each other, this module's variables, and what its pages say. test/package/production runs them. */
import { readFileSync } from 'node:fs';
import { parse, parseAllDocuments } from 'yaml';

interface Resource {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: Record<string, never>;
  readonly data?: Readonly<Record<string, string>>;
  readonly stringData?: Readonly<Record<string, string>>;
}

const read = (file: string): string => readFileSync(`docs/deploy/${file}`, 'utf8');

/** Everything of this name, however deep. */
function collect(value: unknown, name: string): unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, each]) => [
    ...(key === name ? [each] : []),
    ...collect(each, name),
  ]);
}

const documents = parseAllDocuments(read('kubernetes.yml'));
const resources = documents.map((document) => document.toJS() as Resource);
const find = (kind: string): Resource => {
  const found = resources.find((each) => each.kind === kind);
  if (!found) throw new Error(`no ${kind}`);
  return found;
};
const secrets = /(SECRET|NONCE|_KEY|CLIENT_ID)$/;

describe('kubernetes.yml', () => {
  const { template, selector } = find('Deployment').spec as unknown as {
    template: {
      metadata: { labels: unknown };
      spec: { terminationGracePeriodSeconds: number; containers: [Record<string, unknown>] };
    };
    selector: { matchLabels: unknown };
  };
  const [container] = template.spec.containers;

  it('is YAML without errors', () => {
    expect(documents.flatMap(({ errors, warnings }) => [...errors, ...warnings])).toEqual([]);
  });

  it('selects the pods of the deployment', () => {
    const { labels } = template.metadata;
    expect(selector.matchLabels).toEqual(labels);
    expect(find('Service').spec['selector']).toEqual(labels);
    expect(find('PodDisruptionBudget').spec['selector']).toEqual({ matchLabels: labels });
    expect(find('NetworkPolicy').spec['podSelector']).toEqual({ matchLabels: labels });
  });

  it('names one port', () => {
    const probes = [
      container,
      find('Service').spec,
      (find('NetworkPolicy').spec as Record<string, unknown>)['ingress'],
    ];
    expect(container['ports']).toEqual([{ name: 'http', containerPort: 3000 }]);
    for (const port of probes.flatMap((each) => [...collect(each, 'port'), ...collect(each, 'targetPort')])) {
      expect(['http', 80]).toContain(port);
    }
    expect(read('Dockerfile')).toContain('EXPOSE 3000');
  });

  it('sets variables that the module reads, secrets in the Secret', () => {
    const known = [...readFileSync('docs/options.md', 'utf8').matchAll(/`([A-Z_]+)`/g)].map(
      ([, name]) => name,
    );
    const [config, secret] = [find('ConfigMap').data ?? {}, find('Secret').stringData ?? {}];
    for (const name of [...Object.keys(config), ...Object.keys(secret)]) {
      expect(known).toContain(name.replace(/^MONOCLOUD_BACKEND_/, ''));
    }
    expect(Object.keys(config).filter((name) => secrets.test(name))).toEqual([]);
    expect(Object.keys(secret).filter((name) => !secrets.test(name))).toEqual([]);
    const names = [find('ConfigMap'), find('Secret')].map(({ metadata }) => metadata.name);
    expect(collect(container['envFrom'], 'name')).toEqual(names);
  });

  it('leaves time to answer what was accepted: the pause, and the longest wait for the provider', () => {
    const [command] = collect(container['lifecycle'], 'command') as [[string, string]];
    expect(command[0]).toBe('sleep');
    expect(template.spec.terminationGracePeriodSeconds).toBeGreaterThan(Number(command[1]) + 10);
    const { timeoutSeconds } = container['readinessProbe'] as { timeoutSeconds: number };
    expect(timeoutSeconds).toBeGreaterThan(10);
  });

  it('gives the container no rights', () => {
    expect(template.spec).toMatchObject({
      automountServiceAccountToken: false,
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    });
    expect(container['securityContext']).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
  });

  it('permits nothing in the network by leaving it out', () => {
    const { policyTypes, ingress, egress } = find('NetworkPolicy').spec as unknown as {
      policyTypes: string[];
      ingress: { from?: unknown[]; ports?: unknown[] }[];
      egress: { to?: unknown[]; ports?: unknown[] }[];
    };
    expect(policyTypes).toEqual(['Ingress', 'Egress']);
    for (const { ports, ...rule } of [...ingress, ...egress]) {
      expect(ports?.length).toBeGreaterThan(0);
      expect(Object.values(rule).flat().length).toBeGreaterThan(0);
    }
  });
});

describe('envoy.yml', () => {
  const config = parse(read('envoy.yml')) as unknown;

  it('sets the header of the certificate, and passes none on that a client sends', () => {
    expect(collect(config, 'forward_client_cert_details')).toEqual(['SANITIZE_SET']);
    expect(collect(config, 'set_current_client_cert_details')).toEqual([{ cert: true }]);
  });

  it('asks for certificates, and sends no request twice', () => {
    expect(collect(config, 'trusted_ca')).toHaveLength(1);
    expect(collect(config, 'retry_policy')).toEqual([]);
  });

  it('routes to a cluster that it has', () => {
    const clusters = collect(config, 'clusters').flat() as { name: string }[];
    expect(collect(config, 'cluster')).toEqual(clusters.map(({ name }) => name));
  });
});
