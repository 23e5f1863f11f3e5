/** Who issues the tokens? An authorization server for the demo, in memory, over TLS that takes client certificates. */
import { createServer } from 'node:https';
import { readServerTls } from '../server-tls.js';
import { createProvider } from './provider.js';

const PORT = 4030;

const answer = createProvider(`https://localhost:${PORT}`).callback();
createServer(readServerTls(), answer).listen(PORT, '127.0.0.1');

// The starter holds the other end: when it is gone, however that happened, so are we.
process.on('disconnect', () => process.exit());
