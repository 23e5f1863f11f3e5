/** The table of attacks: the requests of each attack, and the status of the expected response. */
import type { AttackContext } from './attack-context.js';
import type { AttackRow } from './attack-row.js';
import type { Shot } from './attack-target.js';
import { BY_BINDING } from './binding-attacks.js';
import type { HostileTokens } from './hostile-tokens.js';
import type { TokenOptions } from './mint.js';

const TOKENS: readonly (readonly [
  name: string,
  make: (attack: HostileTokens, good: TokenOptions) => string,
])[] = [
  ['alg none', (attack, good) => attack.algNone(good)],
  ['HS256, keyed with the public key', (attack, good) => attack.keyConfusion(good)],
  ['the signature of another token', (attack, good) => attack.badSignature(good)],
  ['claims changed after signing', (attack, good) => attack.tampered(good)],
  ['no signature', (attack, good) => attack.unsigned(good)],
  ['truncated', (attack, good) => attack.truncated(good)],
  ['a signature by another key, with a kid of the issuer', (attack, good) => attack.forgedKeyId(good)],
  ['an unknown key', (attack, good) => attack.unknownKey(good)],
  ['a key in the header (jwk)', (attack, good) => attack.embeddedKey(good)],
  ['a certificate in the header (x5c)', (attack, good) => attack.embeddedCertificate(good)],
  ['the URL of other keys in the header (jku)', (attack, good) => attack.remoteKey(good)],
  ['an unknown critical extension', (attack, good) => attack.unknownExtension(good)],
  ['for another API', (attack, good) => attack.wrongAudience(good)],
  ['without an audience', (attack, good) => attack.noAudience(good)],
  ['of another issuer', (attack, good) => attack.wrongIssuer(good)],
  ['expired', (attack, good) => attack.expired(good)],
  ['without exp', (attack, good) => attack.noExpiry(good)],
  ['not yet valid', (attack, good) => attack.notYetValid(good)],
  ['an ID token', (attack, good) => attack.idToken(good)],
  ['a JWT of another type', (attack, good) => attack.otherType(good)],
  ['12000 characters', (attack, good) => attack.oversized(good)],
];

const BY_TOKEN: readonly AttackRow[] = [
  ...TOKENS.map(([name, make]): AttackRow => ({
    name: `token: ${name}`,
    shots: (scene) => [scene.present(make(scene.attack, scene.good))],
    status: 401,
  })),
  // A handler that was rebound or wrapped may have lost its decorators. Every valid token is then accepted.
  {
    name: 'token: valid, but without the scopes and groups of the route',
    shots: (scene) => [scene.present(scene.issuer.token(scene.withoutGrants))],
    status: 403,
    forGrants: true,
  },
  {
    name: 'token: opaque and unknown',
    shots: (scene) => [scene.present('bm9ib2R5LWlzc3VlZC10aGlz')],
    status: 401,
  },
  {
    name: 'token: opaque and revoked',
    shots: (scene) => {
      const token = scene.issuer.opaqueToken(scene.good);
      scene.issuer.revoke(token);
      return [scene.present(token)];
    },
    status: 401,
  },
];

const header =
  (value: (token: string) => string) =>
  (scene: AttackContext): readonly Shot[] => [scene.send([['Authorization', value(scene.goodToken())]])];

const BY_HEADER: readonly AttackRow[] = [
  { name: 'header: none', shots: (scene) => [scene.send([])], status: 401, anonymous: true },
  { name: 'header: Bearer without a token', shots: header(() => 'Bearer'), status: 401 },
  { name: 'header: Bearer: with a colon', shots: header((token) => `Bearer: ${token}`), status: 401 },
  { name: 'header: text after the token', shots: header((token) => `Bearer ${token} x`), status: 401 },
  {
    name: 'header: the scheme Basic',
    shots: header((token) => `Basic ${token}`),
    status: 401,
    anonymous: true,
  },
  { name: 'header: no scheme', shots: header((token) => token), status: 401, anonymous: true },
  {
    name: 'header: two tokens in a list',
    shots: header((token) => `Bearer ${token}, Bearer x`),
    status: 400,
  },
  {
    name: 'header: two Authorization headers',
    shots: (scene) => [
      scene.send([
        ['Authorization', `Bearer ${scene.goodToken()}`],
        ['Authorization', 'Bearer x'],
      ]),
    ],
    status: 400,
  },
  {
    name: 'query: a token in the URL',
    inUrl: true,
    shots: (scene) => [scene.send([], `access_token=${scene.goodToken()}`)],
    status: 401,
    anonymous: true,
  },
  {
    name: 'query: a token in the URL and in the header',
    inUrl: true,
    shots: (scene) => {
      const token = scene.goodToken();
      return [scene.send([['Authorization', `Bearer ${token}`]], `access_token=${token}`)];
    },
    status: 400,
  },
];

export const ATTACKS: readonly AttackRow[] = [...BY_TOKEN, ...BY_HEADER, ...BY_BINDING];
