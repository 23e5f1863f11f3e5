/** The option `profile`: what the FAPI 2.0 Security Profile requires of resource servers (sections 5.2, 5.3.4 and 5.4). */
import { quoteAddress } from '../errors/quote-address.js';
import { quoteForeign } from '../errors/quote-foreign.js';
import { isSecureEnough } from '../issuer/provider-address.js';

export interface ProfileOptions {
  /**
   * `fapi2`: the [FAPI 2.0 Security Profile](../../docs/fapi.md): sender-constrained tokens only, `PS256`, `ES256` and `EdDSA`
   * only, https only, tokens in the header only. With options that contradict it, the application does not start.
   *
   * @default none
   */
  readonly profile?: 'fapi2' | undefined;
}

/** Section 5.4.1, whose note allows the fully specified name of EdDSA (RFC 9864). */
const FAPI2_ALGORITHMS = ['PS256', 'ES256', 'EdDSA', 'Ed25519'] as const;

/** Section 5.3.2.1: clocks differ by up to 10 s, and by less than 60 s. */
const FAPI2_TOLERANCE = { least: 10, default: 30, most: 60 };

/** Options as configured, before validation. */
type Said = Readonly<Record<string, unknown>>;

/** Returns the defaults of options that the profile changes. */
export function profileDefaults({ profile }: Said): Record<string, unknown> {
  return profile === 'fapi2'
    ? { clockTolerance: FAPI2_TOLERANCE.default, signingAlgorithms: [...FAPI2_ALGORITHMS] }
    : {};
}

/** Returns the accepted algorithms of DPoP proofs. No option sets them. */
export function proofAlgorithms<Name extends string>(
  { profile }: ProfileOptions,
  all: readonly Name[],
): readonly Name[] {
  return profile === 'fapi2' ? all.filter(isFapi2Algorithm) : all;
}

/** Finds options that contradict the profile. An issuer must use https, or be a loopback address, with any profile. */
export function profileProblems(said: Said): readonly (readonly [option: string, problem: string])[] {
  if (said['profile'] !== 'fapi2') return [];
  const { clockTolerance, signingAlgorithms } = said;
  const tolerance = Number(clockTolerance ?? FAPI2_TOLERANCE.default);
  const others = [signingAlgorithms ?? []].flat().filter((alg) => !isFapi2Algorithm(alg));
  return [
    ...(tolerance < FAPI2_TOLERANCE.least || tolerance > FAPI2_TOLERANCE.most
      ? [['clockTolerance', `${tolerance} is not 10 to 60 seconds, as profile fapi2 requires`] as const]
      : []),
    ...others.map(
      (alg) =>
        [
          'signingAlgorithms',
          `${quoteForeign(alg)} is not permitted by profile fapi2: PS256, ES256, EdDSA`,
        ] as const,
    ),
    ...(String(said['allowInsecureRequests']).toLowerCase() === 'true'
      ? [['allowInsecureRequests', 'contradicts profile fapi2, which requires https'] as const]
      : []),
    ...insecure('publicUrl', said['publicUrl']),
    ...['tokenResolver', 'messageTokenResolver']
      .filter((option) => said[option] !== undefined)
      .map((option) => [option, 'contradicts profile fapi2, which requires tokens in the header'] as const),
  ];
}

/** Returns whether revoked tokens are detected before they expire, as the profile requires (section 5.3.4, 3). */
export function noticesRevocation(options: Said): boolean {
  return (
    options['introspectJwtTokens'] === true ||
    ['backChannelLogout', 'securityEvents', 'revocationStore'].some((option) => {
      const value = options[option];
      return value !== undefined && value !== false;
    })
  );
}

function isFapi2Algorithm(alg: unknown): boolean {
  return FAPI2_ALGORITHMS.some((each) => each === alg);
}

function insecure(option: string, address: unknown): readonly (readonly [string, string])[] {
  if (typeof address !== 'string' || !URL.canParse(address) || isSecureEnough(new URL(address), false))
    return [];
  return [[option, `${quoteAddress(address)} is not https, as profile fapi2 requires`]];
}
