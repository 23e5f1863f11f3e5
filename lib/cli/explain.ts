/** Explains why a token is rejected, with all failed checks. The result is that of {@link TokenValidator}. */
import { authorize } from '../access/authorize.js';
import type { Requirement } from '../access/requirement.js';
import { GroupsRequirement } from '../access/requirements/groups.js';
import { ScopesRequirement } from '../access/requirements/scopes.js';
import { groupsOf, scopesOf } from '../access/grants.js';
import { enforceSenderConstraint } from '../binding/sender-constraint.js';
import { AuthError, TokenError } from '../errors/auth.errors.js';
import { quoteForeign } from '../errors/quote-foreign.js';
import type { ResolvedOptions } from '../options/auth-options.js';
import { createTokenValidator } from '../validation/token-validator.js';
import { ValidatingIssuer } from '../validation/validating-issuer.js';
import type { AccessTokenClaims } from '../token/access-token-claims.js';
import { withoutSlash } from '../issuer/issuer-metadata.js';
import { decodeJwt, isJwt } from '../jose/decode-jwt.js';
import type { ResolvedIssuerOptions } from '../options/issuers.js';
import { chooseIssuers, settingsOf } from './issuer-settings.js';
import { UsageError } from './usage-error.js';
import { isObject } from '../jose/strict-json.js';
import { ValidatedToken } from '../token/validated-token.js';
import { detailOf } from './advice.js';
import type { ExplainCommand } from './command.js';
import { SILENT } from './doctor.js';
import { explainAnswer } from './explain-answer.js';
import { explainJwt } from './explain-jwt.js';
import type { Explanation } from './findings.js';
import { Verdict } from './verdict.js';
import { readSettings } from './read-settings.js';

export async function explain(token: string, command: ExplainCommand): Promise<Explanation> {
  const { options, findings: problems } = readSettings(command);
  if (!options) return { verdict: 'unknown', why: 'the options are invalid: run doctor', findings: problems };
  const chosen = chooseIssuer(token, options, command);
  if (!chosen)
    return {
      verdict: 'refused',
      why: '401 invalid_token: the issuer of the token is not configured',
      findings: problems,
    };
  const settings = settingsOf(options, chosen);
  const tokens = createTokenValidator(settings, SILENT);
  const issuer = tokens.issuers.only ?? new ValidatingIssuer(settings, SILENT);
  try {
    const refusal = await refusalOf(() => tokens.validate(token));
    const verdict = new Verdict(settings, command);
    const isHere = isJwt(token) && !settings.introspectJwtTokens;
    const claims = isHere
      ? await explainJwt(token, issuer, verdict)
      : await explainAnswer(token, refusal, issuer, verdict);
    const unmet = claims && (await checkUse(new ValidatedToken('', claims, issuer), verdict, command));
    const { findings } = verdict;
    // The separate checks must have the same result as the complete validation.
    const expected = refusal instanceof TokenError ? 'FAIL' : '-';
    if (refusal && !findings.some(({ status }) => status === expected)) verdict.refuse('token', refusal);
    return { ...conclude(refusal ?? unmet, isHere), findings };
  } finally {
    await tokens.issuers.close();
  }
}

/**
 * Returns one of several issuers: the one in `iss`; for an opaque token the named one, else the one that introspects. For a
 * JWT that cannot be read, any of them: each rejects it for the same reason.
 */
function chooseIssuer(
  token: string,
  options: ResolvedOptions,
  { issuer: name }: ExplainCommand,
): ResolvedIssuerOptions | undefined {
  const chosen = chooseIssuers(options, name);
  if (chosen.length === 1) return chosen[0];
  if (isJwt(token)) {
    const iss = issOf(token);
    if (iss === undefined) return chosen[0];
    return chosen.find(
      ({ issuer, accessTokenIssuer = issuer }) => withoutSlash(accessTokenIssuer) === withoutSlash(iss),
    );
  }
  const introspecting = chosen.filter(({ clientId }) => clientId !== undefined);
  if (introspecting.length !== 1)
    throw new UsageError('several issuers are configured: --issuer names the one of an opaque token');
  return introspecting[0];
}

function issOf(token: string): string | undefined {
  try {
    return String(decodeJwt(token).claims['iss']);
  } catch {
    return undefined;
  }
}

async function refusalOf(check: () => unknown): Promise<AuthError | undefined> {
  try {
    await check();
    return undefined;
  } catch (error) {
    if (error instanceof AuthError) return error;
    throw error;
  }
}

function conclude(refusal: AuthError | undefined, isHere: boolean): Omit<Explanation, 'findings'> {
  if (!refusal)
    return {
      verdict: 'accepted',
      why: isHere ? 'a valid access token for this API' : 'the provider reports it as active',
    };
  return {
    verdict: refusal instanceof TokenError ? 'refused' : 'unknown',
    why: `${refusal.status} ${refusal.code}: ${detailOf(refusal)}`,
  };
}

/** Checks binding, scopes and groups, which a valid token may fail as well, and returns the first error, if any. */
async function checkUse(
  token: ValidatedToken,
  verdict: Verdict,
  { scopes, groups }: ExplainCommand,
): Promise<AuthError | undefined> {
  const { options } = verdict;
  const { claims } = token;
  const bound = await verdict.check('binding', bindingOf(claims), () => enforceIdeally(claims, options));

  const held = scopesOf(token);
  verdict.show('scopes', held.size === 0 ? 'none' : [...held].slice(0, 30).map(quoteForeign).join(' '));
  const checkRequirement = (check: string, requirement: Requirement) =>
    verdict.check(check, 'held', () => authorize(token, { requirements: [requirement] }, options));
  const scoped =
    scopes.length > 0 ? await checkRequirement('route scopes', new ScopesRequirement(scopes)) : undefined;

  const { groupsClaim } = options.groupOptions;
  verdict.show('groups', `${groupsOf(token, groupsClaim).size} in ${quoteForeign(groupsClaim)}`);
  const grouped =
    groups.length > 0 ? await checkRequirement('route groups', new GroupsRequirement({ groups })) : undefined;
  return bound ?? scoped ?? grouped;
}

/** Assumes a client that has the key and the certificate, because only a request shows whether it has them. */
function enforceIdeally(claims: AccessTokenClaims, options: ResolvedOptions): void | Promise<void> {
  const cnf: unknown = claims.cnf;
  const { jkt, 'x5t#S256': certificate } = isObject(cnf) ? cnf : {};
  const dpopIsOff = options.dpop.mode === 'off';
  return enforceSenderConstraint(
    { ...claims, cnf: isObject(cnf) ? cnf : {} },
    {
      scheme: jkt === undefined || dpopIsOff ? 'Bearer' : 'DPoP',
      certificate: () => undefined,
      certificateAsked: options.validateCertificateBinding === 'required',
      ignoresCertificate: typeof certificate === 'string',
      dpopAsked: options.dpop.mode === 'required',
      bindingAsked: options.profile === 'fapi2',
      verifyProof: () => Promise.resolve(),
    },
  );
}

function bindingOf({ cnf }: AccessTokenClaims): string {
  const to = [
    cnf?.jkt !== undefined && 'a DPoP key: send it with the scheme DPoP and a proof',
    cnf?.['x5t#S256'] !== undefined && 'a certificate: send it over TLS with that certificate',
  ].filter((each) => each !== false);
  return to.length > 0
    ? `bound to ${to.join('; and to ')}`
    : 'not bound: anybody who has the token can use it';
}
