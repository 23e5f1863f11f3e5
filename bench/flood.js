/** A flood of forged tokens, a different one each time, from a process of its own: `flood.js <url> <token> <seconds>`. */
import autocannon from 'autocannon';
import { randomBytes } from 'node:crypto';

const [url, token, seconds] = process.argv.slice(2);
const CONNECTIONS = 32;
const RS256_BYTES = 256;

process.on('disconnect', () => process.exit());

// The right key's name and form, claims as they should be: only the signature shows it.
const signed = token.slice(0, token.lastIndexOf('.') + 1);
const setupRequest = (request) => {
  const authorization = `Bearer ${signed}${randomBytes(RS256_BYTES).toString('base64url')}`;
  return { ...request, headers: { ...request.headers, authorization } };
};
const run = autocannon({
  url,
  connections: CONNECTIONS,
  duration: Number(seconds),
  requests: [{ setupRequest }],
});
run.once('response', () => process.send('begun'));
const { statusCodeStats, errors, duration } = await run;
process.send({
  statuses: Object.fromEntries(Object.entries(statusCodeStats).map(([code, { count }]) => [code, count])),
  errors,
  duration,
});
