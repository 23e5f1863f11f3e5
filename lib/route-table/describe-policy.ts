/** Describes the requirements of a policy and of the options, in the form in which the route table lists them. */
import { isNamed } from '../access/recipient.js';
import { accessOf } from '../access/authorize.js';
import type { Requirement } from '../access/requirement.js';
import type { ResolvedOptions } from '../options/auth-options.js';
import type { RoutePolicy } from '../policy/route-policy.js';
import type { RouteEntry } from './route-entry.js';

export type DescribedPolicy = Pick<
  RouteEntry,
  | 'access'
  | 'declared'
  | 'scopes'
  | 'groups'
  | 'requires'
  | 'binding'
  | 'introspectMaxAge'
  | 'issuers'
  | 'audience'
> & { readonly requirements: readonly Requirement[]; readonly mentionedScopes: readonly string[] };

export function describePolicy(
  policy: RoutePolicy,
  {
    validateCertificateBinding,
    dpop,
    groupOptions,
    issuers,
  }: Pick<ResolvedOptions, 'validateCertificateBinding' | 'dpop' | 'groupOptions' | 'issuers'>,
): DescribedPolicy {
  const { access, declared, introspectMaxAge } = policy;
  const { requirements, scopes, mentionedScopes } = accessOf(policy);
  const open = access === 'public';
  const byCertificate = policy.certificateBound || validateCertificateBinding === 'required';
  const byProof = policy.dpopBound || dpop.mode === 'required';
  return {
    access,
    declared,
    scopes,
    groups: requirements.flatMap(({ groups }) => (groups ? [{ ...groupOptions, ...groups }] : [])),
    requires: requirements.map((each) => each.describe(groupOptions)),
    requirements,
    mentionedScopes,
    binding: [
      ...(byCertificate && !open ? (['certificate'] as const) : []),
      ...(byProof && !open ? (['dpop'] as const) : []),
    ],
    introspectMaxAge,
    ...(policy.issuers.length > 0 && { issuers: acceptedIssuers(policy.issuers, issuers) }),
    ...(policy.audience !== undefined && { audience: policy.audience }),
  };
}

/** Returns the configured names of the accepted issuers, or the values of the decorators if issuers are unknown at start-up. */
function acceptedIssuers(
  lists: RoutePolicy['issuers'],
  issuers: ResolvedOptions['issuers'],
): readonly string[] {
  const accepted = issuers.filter((issuer) => lists.every((names) => isNamed(issuer, names)));
  return accepted.length > 0 ? accepted.map(({ name }) => name) : [...new Set(lists.flat())];
}
