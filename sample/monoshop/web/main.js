/** The front end: Next.js, port 3000. What runs is what `next build` has made. */
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';

process.env.NODE_ENV = 'production';
process.env.NEXT_TELEMETRY_DISABLED = '1';
const { default: next } = await import('next');

const HOST = '127.0.0.1';
const port = Number(process.env.PORT ?? 3000);

const app = next({ dev: false, dir: fileURLToPath(new URL('.', import.meta.url)), hostname: HOST, port });
await app.prepare();
const handle = app.getRequestHandler();
createServer((request, response) => void handle(request, response)).listen(port, HOST);

// The starter holds the other end: when it is gone, however that happened, so are we.
process.on('disconnect', () => process.exit());
