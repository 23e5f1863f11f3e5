/**
 * Checks that a public JWK has a usable size before it is imported. RFC 7518 section 6.
 *
 * Does not check that the key is valid: that an EC point is on its curve, or that a modulus is a product of two primes.
 */

/** The time of a verification grows with the square of the modulus, and with the length of the exponent. */
const MAX_MODULUS_BITS = 8192;
/** RFC 7518 section 3.3. */
const MIN_MODULUS_BITS = 2048;
const MAX_EXPONENT_OCTETS = 4;
/** Any value within the limits fits into this many characters, with room for padding and leading zeros. */
const MAX_MEMBER_LENGTH = 1400;

/** Octets of a coordinate or of an Ed25519 key (RFC 7518 section 6.2.1.2, RFC 8037 section 2). */
const COORDINATE_OCTETS: Readonly<Record<string, number>> = {
  'P-256': 32,
  'P-384': 48,
  'P-521': 66,
  Ed25519: 32,
};

/** @throws {Error} with a message that describes the size that is wrong */
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

/** Decodes a member, without the leading zeros that some issuers write. Node also decodes other base64 alphabets. */
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
  // With an exponent of 1, anyone can forge signatures.
  if (exponent < 3 || exponent % 2 === 0) throw new Error('an RSA key with an invalid exponent');
}

/** Some issuers omit leading zeros, but half of a coordinate is never zeros. */
function checkCoordinate(octets: Buffer, size: number): void {
  if (octets.length > size || octets.length <= size / 2)
    throw new Error(`a coordinate of ${octets.length} octets`);
}
