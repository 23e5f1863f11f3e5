/** Attacks on the binding of tokens to keys and certificates. RFC 9449, RFC 8705. */
import type { AttackRow } from './attack-row.js';
import type { Headers } from './attack-target.js';
import type { TestCertificate } from './test-certificate.js';

interface Respelling {
  readonly name: string;
  readonly respell: (path: string) => string;
  /** The path in the proof: the respelled path as a URL parser resolves it, or the path of the route. */
  readonly proved: 'resolved' | 'plain';
}

/** Routers match paths as they are sent. Most find no handler for these, unless the path ends in a parameter. */
const RESPELLINGS: readonly Respelling[] = [
  { name: 'with ..', respell: (path) => path.replace(/[^/]*$/, '..'), proved: 'resolved' },
  { name: 'with %2e%2e', respell: (path) => path.replace(/[^/]*$/, '%2e%2e'), proved: 'resolved' },
  { name: 'with a character encoded', respell: encodeLastCharacter, proved: 'plain' },
];

function encodeLastCharacter(path: string): string {
  return path.replace(/[A-Za-z0-9](?=[^A-Za-z0-9]*$)/, (char) => `%${char.charCodeAt(0).toString(16)}`);
}

const urlEncoded = ({ cert }: TestCertificate): string => encodeURIComponent(cert);
const inBase64 = ({ cert }: TestCertificate): string => cert.replace(/-----[^-]+-----|\s/g, '');
const XFCC = 'X-Forwarded-Client-Cert';

/** The headers that an application receives if a client sends another's certificate and the proxy adds the client's own. */
const CLAIMED: readonly (readonly [
  name: string,
  write: (theirs: TestCertificate, own: TestCertificate) => Headers,
])[] = [
  [
    "in an element before the proxy's",
    (theirs, own) => [[XFCC, `Cert="${urlEncoded(theirs)}",By=spiffe://proxy;Cert="${urlEncoded(own)}"`]],
  ],
  [
    "behind a quote that swallows the proxy's element",
    (theirs, own) => [[XFCC, `Cert="${urlEncoded(theirs)},By=spiffe://proxy;Cert="${urlEncoded(own)}"`]],
  ],
  [
    'in a subject alternative name',
    (theirs, own) => [[XFCC, `Cert="${urlEncoded(own)}";URI=spiffe://a,Cert="${urlEncoded(theirs)}"`]],
  ],
  [
    'in a second pair',
    (theirs, own) => [[XFCC, `Cert="${urlEncoded(own)}";URI=spiffe://a;Cert="${urlEncoded(theirs)}"`]],
  ],
  [
    "in a line before the proxy's",
    (theirs, own) =>
      [theirs, own].flatMap((each) => [
        [XFCC, `Cert="${urlEncoded(each)}"`] as const,
        ['X-Amzn-Mtls-Clientcert-Leaf', urlEncoded(each)] as const,
        ['Client-Cert', `:${inBase64(each)}:`] as const,
      ]),
  ],
];

export const BY_BINDING: readonly AttackRow[] = [
  {
    name: 'DPoP: a bound token sent as Bearer',
    shots: (scene) => [
      scene.send([['Authorization', `Bearer ${scene.issuer.token({ ...scene.good, boundTo: scene.key })}`]]),
    ],
    status: 401,
  },
  {
    name: 'DPoP: without a proof',
    shots: (scene) => [
      scene.send([['Authorization', `DPoP ${scene.issuer.token({ ...scene.good, boundTo: scene.key })}`]]),
    ],
    status: 401,
  },
  {
    name: "DPoP: a proof by another key than the token's",
    shots: (scene) => [
      scene.prove(scene.issuer.token({ ...scene.good, boundTo: scene.key }), scene.issuer.dpop()),
    ],
    status: 401,
  },
  {
    name: 'DPoP: a proof for another URL',
    shots: (scene) => [
      scene.prove(scene.issuer.token({ ...scene.good, boundTo: scene.key }), scene.key, {
        url: 'https://another-api.example/',
      }),
    ],
    status: 401,
  },
  {
    name: 'DPoP: a proof used before',
    shots: (scene) => {
      const shot = scene.prove(scene.issuer.token({ ...scene.good, boundTo: scene.key }));
      return [shot, shot];
    },
    status: 401,
  },
  {
    name: 'DPoP: a proof beside a token that is not bound',
    shots: (scene) => {
      const { boundTo: _, ...unbound } = scene.good;
      return [scene.prove(scene.issuer.token(unbound))];
    },
    status: 401,
  },
  {
    name: 'certificate: a bound token without the certificate',
    shots: (scene) => [
      scene.send([['Authorization', `Bearer ${scene.issuer.certificate().token(scene.good)}`]]),
    ],
    status: 401,
  },
  ...RESPELLINGS.map(({ name, respell, proved }): AttackRow => ({
    name: `DPoP: a proof for another spelling of the path, ${name}`,
    dpop: true,
    probe: (scene) => ({ ...scene.send([]), path: respell(scene.path) }),
    shots: (scene) => {
      const path = respell(scene.path);
      const url = proved === 'plain' ? scene.url : new URL(path, scene.url).href;
      return [{ ...scene.prove(scene.goodToken(), scene.key, { url }), path }];
    },
    status: 401,
  })),
  ...CLAIMED.map(([name, write]): AttackRow => ({
    name: `certificate: another's, ${name}`,
    shots: (scene) => {
      const [theirs, own] = [scene.issuer.certificate(), scene.issuer.certificate()];
      return [scene.send([['Authorization', `Bearer ${theirs.token(scene.good)}`], ...write(theirs, own)])];
    },
    status: 401,
  })),
];
