/** Maps the subject of a security event to claims of tokens. Subject identifiers of RFC 9493. */
import { isObject } from '../jose/strict-json.js';
import type { RevocationMatch } from './revocation.js';

export interface MappedSubject {
  /** The issuer in the subject; `undefined` if there is none. */
  readonly iss: string | undefined;
  /** Never empty. */
  readonly match: RevocationMatch;
}

/**
 * Returns `undefined` unless every part of the subject is supported: without one part, the subject would be wider and end the
 * sessions of other users.
 */
export function mapSubject(subject: unknown): MappedSubject | undefined {
  if (!isObject(subject)) return undefined;
  if (subject['format'] !== 'complex') return mapSimple(subject, 'sub');
  // OpenID Shared Signals Framework 1.0 section 3.3: all members must match.
  const { format: _format, user, session, ...others } = subject;
  if (Object.keys(others).length > 0) return undefined;
  const parts = [
    ...(user === undefined ? [] : [mapSimple(user, 'sub')]),
    ...(session === undefined ? [] : [mapSession(session)]),
  ];
  const [first, second] = parts;
  if (!first || parts.includes(undefined)) return undefined;
  return second ? { iss: first.iss, match: { ...first.match, ...second.match } } : first;
}

/** @param opaque the claim that contains the identifier of an opaque subject */
function mapSimple(subject: unknown, opaque: 'sub' | 'sid'): MappedSubject | undefined {
  if (!isObject(subject)) return undefined;
  const { format, ...members } = subject;
  const text = (name: string, ...names: readonly string[]): string | undefined => {
    const value = members[name];
    const isWhole =
      Object.keys(members).length === names.length + 1 && names.every((each) => each in members);
    return isWhole && typeof value === 'string' && value !== '' ? value : undefined;
  };
  switch (format) {
    case 'iss_sub': {
      const [iss, sub] = [text('iss', 'sub'), text('sub', 'iss')];
      return iss === undefined || sub === undefined ? undefined : { iss, match: { sub } };
    }
    case 'opaque': {
      const id = text('id');
      return id === undefined ? undefined : { iss: undefined, match: { [opaque]: id } };
    }
    case 'email': {
      const email = text('email');
      return email === undefined ? undefined : { iss: undefined, match: { email } };
    }
    default:
      return undefined;
  }
}

function mapSession(session: unknown): MappedSubject | undefined {
  return isObject(session) && session['format'] === 'opaque' ? mapSimple(session, 'sid') : undefined;
}
