/**
 * Checks that a public JWK is of a usable size before it is imported. RFC 7518 section 6.
 *
 * Does not check that the key is one: that an EC point is on its curve, or that a modulus is a product of two primes.
 */

/** Verifying takes time with the square of the modulus, and with the length of the exponent. */
const MAX_MODULUS_BITS = 8192;
/** RFC 7518 section 3.3. */
const MIN_MODULUS_BITS = 2048;
const MAX_EXPONENT_OCTETS = 4;
/** What a member of this many characters holds fits any limit; it leaves place for padding and leading zeros. */
const MAX_MEMBER_LENGTH = 1400;

/** Octets of a coordinate or of an Ed25519 key (RFC 7518 section 6.2.1.2, RFC 8037 section 2). */
const COORDINATE_OCTETS: Readonly<Record<string, number>> = {
  'P-256': 32,
  'P-384': 48,
  'P-521': 66,
  Ed25519: 32,
};

/** @throws {Error} that says what is wrong with the size of a member */
export function checkPublicKeySize({ kty, crv, x, y, n, e }: Readonly<Record<string, unknown>>): void {
  if (kty === 'RSA') {
    checkModulus(octetsOf(n, 'n'));
    checkExponent(octetsOf(e, 'e'));
    return;
  }
  const size = COORDINATE_OCTETS[String(crv)] ?? 0;
  checkCoordinate(octetsOf(x, 'x'), size);
  if (kty === 'EC') checkCoordinate(octetsOf(y, 'y'), size);
}

/** Without the leading zeros that some issuers write. Node reads other alphabets of base64 alike. */
function octetsOf(member: unknown, name: string): Buffer {
  if (typeof member !== 'string') throw new Error(`${name} is not a string`);
  if (member.length > MAX_MEMBER_LENGTH)
    throw new Error(`${name} is longer than ${MAX_MEMBER_LENGTH} characters`);
  const octets = Buffer.from(member, 'base64url');
  const first = octets.findIndex((octet) => octet !== 0);
  return octets.subarray(first === -1 ? octets.length : first);
}

function checkModulus(octets: Buffer): void {
  const [first = 255] = octets;
  const bits = octets.length * 8 - (Math.clz32(first) - 24);
  if (bits < MIN_MODULUS_BITS || bits > MAX_MODULUS_BITS) throw new Error(`an RSA key of ${bits} bits`);
}

function checkExponent(octets: Buffer): void {
  if (octets.length > MAX_EXPONENT_OCTETS)
    throw new Error(`an RSA key with an exponent of ${octets.length} octets`);
  const exponent = octets.length === 0 ? 0 : octets.readUIntBE(0, octets.length);
  // With 1 for an exponent, everybody can sign.
  if (exponent < 3 || exponent % 2 === 0) throw new Error('an RSA key with an invalid exponent');
}

/** Leading zeros are left out by some issuers; half of a coordinate is never zeros. */
function checkCoordinate(octets: Buffer, size: number): void {
  if (octets.length > size || octets.length <= size / 2)
    throw new Error(`a coordinate of ${octets.length} octets`);
}
