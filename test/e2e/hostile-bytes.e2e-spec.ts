/** What never gets as far as this library: Node's own parser refuses it (RFC 9112 sections 5.1, 5.2 and 2.2, RFC 6585 section 5). */
import { afterAll, describe, expect, it } from '@jest/globals';
import { PLATFORMS } from '../support/app.js';
import { openGate } from '../support/gate.js';
import { Issuer } from '../support/issuer.js';
import { sendBytes } from '../support/raw-socket.js';

const issuer = await Issuer.start();
afterAll(() => issuer.close());

const MEGABYTE = 1_048_576;

const REFUSED: readonly (readonly [name: string, header: (token: string) => string])[] = [
  ['a NUL', (token) => `Authorization: Bearer \u0000${token}\r\n`],
  ['a carriage return within the value', (token) => `Authorization: Bearer\r${token}\r\n`],
  ['a space in front of the colon', (token) => `Authorization : Bearer ${token}\r\n`],
  ['a continued line', (token) => `Authorization: Bearer\r\n ${token}\r\n`],
  ['no colon', (token) => `Authorization Bearer ${token}\r\n`],
];

const TOO_LARGE: readonly (readonly [name: string, headers: string])[] = [
  ['a megabyte of token', `Authorization: Bearer ${'A'.repeat(MEGABYTE)}\r\n`],
  ['a megabyte of dots', `Authorization: Bearer ${'.'.repeat(MEGABYTE)}\r\n`],
  ['a megabyte of headers', 'Authorization: Bearer A\r\n'.repeat(MEGABYTE / 25)],
];

describe.each(PLATFORMS)('%s', (platform) => {
  const gate = openGate(platform, issuer);
  const request = (headers: string): string =>
    `GET /guarded HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${headers}\r\n`;

  it.each(REFUSED)('refuses a header with %s', async (_, header) => {
    expect(await sendBytes(gate.origin, request(header(issuer.token())))).toBe(400);
  });

  it.each(TOO_LARGE)('refuses %s, and goes on serving', async (_, headers) => {
    expect([431, 'hung up']).toContain(await sendBytes(gate.origin, request(headers)));
    expect(await gate.present(issuer.token())).toMatchObject({ status: 200 });
  });

  it('accepts the bytes of a good request', async () => {
    expect(await sendBytes(gate.origin, request(`Authorization: Bearer ${issuer.token()}\r\n`))).toBe(200);
  });
});
