/** Who may present a token that is bound, or must be; docs/sender-constrained-tokens.md in small. */
import { createHash } from 'node:crypto';
import { enforceSenderConstraint, type Presentation } from '../../../lib/binding/sender-constraint.js';
import { TokenError } from '../../../lib/errors/auth.errors.js';
import { freezeClaims, type AccessTokenClaims } from '../../../lib/token/access-token-claims.js';

const [OWN, OTHER] = [Buffer.from('own certificate'), Buffer.from('other certificate')];
const X5T = createHash('sha256').update(OWN).digest('base64url');

interface Asked {
  readonly asked: string[];
}

/** Tells what it was asked for, in order. */
function presentation(how: Partial<Presentation> = {}): Presentation & Asked {
  const asked: string[] = [];
  const { certificate = () => OWN } = how;
  return {
    scheme: 'Bearer',
    certificateAsked: false,
    dpopAsked: false,
    bindingAsked: false,
    verifyProof: (jkt) => {
      asked.push(`proof of ${jkt}`);
      return Promise.resolve();
    },
    ...how,
    certificate: () => {
      asked.push('certificate');
      return certificate();
    },
    asked,
  };
}

const claimsWith = (cnf: unknown): AccessTokenClaims =>
  freezeClaims({ iss: 'https://issuer.example', ...(cnf !== undefined && { cnf }) });

/** The detail of the refusal, or what was asked for; whether it had to be waited for. */
async function outcome(
  cnf: unknown,
  how: Partial<Presentation> = {},
): Promise<{ refused?: string | undefined; asked: string[]; waits: boolean }> {
  const presented = presentation(how);
  const { asked } = presented;
  let waits = false;
  try {
    const answer = enforceSenderConstraint(claimsWith(cnf), presented);
    waits = answer !== undefined;
    await answer;
    return { asked, waits };
  } catch (error) {
    if (!(error instanceof TokenError)) throw error;
    expect(error).toMatchObject({ code: 'invalid_token', reason: 'binding' });
    return { refused: error.detail, asked, waits };
  }
}

const passes = (asked: string[], waits: boolean): object => ({ asked, waits });
const refused = (detail: string, asked: string[] = [], waits = false): object => ({
  refused: detail,
  asked,
  waits,
});

describe('a token that is not bound', () => {
  it.each([undefined, {}, { kid: 'other members' }])('with cnf %j passes as Bearer', async (cnf) => {
    expect(await outcome(cnf)).toEqual(passes([], false));
  });

  it('is refused with a proof', async () => {
    expect(await outcome(undefined, { scheme: 'DPoP' })).toEqual(
      refused('a DPoP proof came with a token that is not DPoP-bound'),
    );
  });

  it.each<[how: Partial<Presentation>, detail: string]>([
    [{ dpopAsked: true }, 'the token is not DPoP-bound'],
    [{ certificateAsked: true }, 'the token is not bound to a certificate'],
    [{ bindingAsked: true }, 'the token is not sender-constrained, as profile fapi2 requires'],
  ])('is refused where %j', async (how, detail) => {
    expect(await outcome({}, how)).toEqual(refused(detail));
    expect(await outcome(undefined, how)).toEqual(refused(detail));
  });
});

describe('a token that is bound to a DPoP key', () => {
  const cnf = { jkt: 'thumbprint' };

  it.each<[how: Partial<Presentation>]>([[{}], [{ dpopAsked: true }], [{ bindingAsked: true }]])(
    'passes with a proof of it (%j)',
    async (how) => {
      expect(await outcome(cnf, { scheme: 'DPoP', ...how })).toEqual(passes(['proof of thumbprint'], true));
    },
  );

  it('is refused as Bearer', async () => {
    for (const dpopAsked of [true, false])
      expect(await outcome(cnf, { dpopAsked })).toEqual(refused('a DPoP-bound token was sent as Bearer'));
  });

  it('is refused where a certificate is asked for, and the proof is not used up', async () => {
    expect(await outcome(cnf, { scheme: 'DPoP', certificateAsked: true })).toEqual(
      refused('the token is not bound to a certificate'),
    );
  });

  it.each([null, 7, ['thumbprint'], {}])('is refused where the thumbprint is %j', async (jkt) => {
    expect(await outcome({ jkt }, { scheme: 'DPoP' })).toEqual(refused('cnf.jkt is not a string'));
    expect(await outcome({ jkt })).toEqual(refused('a DPoP-bound token was sent as Bearer'));
  });

  it('is refused with a proof that is not good', async () => {
    const fault = new Error('the proof was used before');
    const answer = enforceSenderConstraint(
      claimsWith(cnf),
      presentation({ scheme: 'DPoP', verifyProof: () => Promise.reject(fault) }),
    );
    await expect(answer).rejects.toBe(fault);
  });
});

describe('a token that is bound to a certificate', () => {
  const cnf = { 'x5t#S256': X5T };

  it.each<[how: Partial<Presentation>]>([[{}], [{ certificateAsked: true }], [{ bindingAsked: true }]])(
    'passes with it (%j)',
    async (how) => {
      expect(await outcome(cnf, how)).toEqual(passes(['certificate'], false));
      const later = { ...how, certificate: () => Promise.resolve(OWN) };
      expect(await outcome(cnf, later)).toEqual(passes(['certificate'], true));
    },
  );

  it.each([
    ['another one', OTHER, 'the token is bound to another certificate'],
    ['none', undefined, 'the token is bound to a certificate, and none was presented'],
  ])('is refused with %s', async (_, certificate, detail) => {
    expect(await outcome(cnf, { certificate: () => certificate })).toEqual(refused(detail, ['certificate']));
    expect(await outcome(cnf, { certificate: () => Promise.resolve(certificate) })).toEqual(
      refused(detail, ['certificate'], true),
    );
  });

  it.each([null, 7, [X5T]])('is refused where the thumbprint is %j', async (bound) => {
    expect(await outcome({ 'x5t#S256': bound })).toEqual(refused('cnf.x5t#S256 is not a string'));
  });

  it.each([`${X5T}=`, X5T.slice(1), X5T.toUpperCase(), '', Buffer.from(X5T, 'base64url').toString('hex')])(
    'is refused where the thumbprint is spelt %j',
    async (bound) => {
      expect(await outcome({ 'x5t#S256': bound })).toEqual(
        refused('the token is bound to another certificate', ['certificate']),
      );
    },
  );

  it('is refused where a DPoP key is asked for', async () => {
    expect(await outcome(cnf, { dpopAsked: true })).toEqual(refused('the token is not DPoP-bound'));
  });

  it('passes with none where the caller compares it itself', async () => {
    const how = { ignoresCertificate: true, certificateAsked: true, certificate: () => undefined };
    expect(await outcome(cnf, how)).toEqual(passes([], false));
    expect(await outcome(undefined, how)).toEqual(passes([], false));
    expect(await outcome(cnf, { ...how, ignoresCertificate: false })).toEqual(
      refused('the token is bound to a certificate, and none was presented', ['certificate']),
    );
  });
});

describe('a token that is bound to both', () => {
  const cnf = { jkt: 'thumbprint', 'x5t#S256': X5T };

  it('passes with both, the proof last', async () => {
    for (const certificate of [() => OWN, () => Promise.resolve(OWN)])
      expect(await outcome(cnf, { scheme: 'DPoP', certificate })).toEqual(
        passes(['certificate', 'proof of thumbprint'], true),
      );
  });

  it('is refused with another certificate, and the proof is not used up', async () => {
    for (const certificate of [() => OTHER, () => Promise.resolve(OTHER)])
      expect(await outcome(cnf, { scheme: 'DPoP', certificate })).toMatchObject({
        refused: 'the token is bound to another certificate',
        asked: ['certificate'],
      });
  });
});
