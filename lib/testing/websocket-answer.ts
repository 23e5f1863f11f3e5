/**
 * Writes the headers of a WebSocket handshake and derives the guard's status from its response. A rejected handshake is
 * completed and then closed (RFC 6455 section 7.4).
 */
import { randomBytes } from 'node:crypto';
import type { Answer, Headers } from './attack-target.js';

/** Returns the headers of a client without a token. */
export function upgradeHeaders(): Headers {
  return [
    ['Connection', 'Upgrade'],
    ['Upgrade', 'websocket'],
    ['Sec-WebSocket-Version', '13'],
    ['Sec-WebSocket-Key', randomBytes(16).toString('base64')],
  ];
}

const CLOSE = 0x88;

/** Returns the status that the same rejection has over HTTP. */
export function webSocketStatus({ status, headers, text }: Answer): number {
  if (status !== 101) return status;
  const frame = Buffer.from(text, 'latin1');
  if (frame[0] !== CLOSE || frame.length < 4) return 200;
  const code = frame.readUInt16BE(2);
  if (code === 1013) return 503;
  if (code === 1011) return 500;
  if (headers['www-authenticate']?.includes('error="invalid_request"') === true) return 400;
  return frame.toString('latin1', 4) === 'forbidden' ? 403 : 401;
}
