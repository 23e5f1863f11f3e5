/** Who issues the tokens? An authorization server for the demo, in memory, that also counts how often it is asked. */
import { createServer } from 'node:http';
import { createProvider } from './provider.js';

const PORT = 4010;

const answer = createProvider(`http://localhost:${PORT}`).callback();
let introspections = 0;

createServer((request, response) => {
  // For the story, and for curl; no authorization server has that.
  if (request.url === '/demo/introspections') {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ introspections }));
    return;
  }
  if (request.url === '/token/introspection') introspections += 1;
  answer(request, response).catch((error: unknown) => {
    console.error(error);
    if (!response.headersSent) response.writeHead(500);
    response.end();
  });
}).listen(PORT, '127.0.0.1');

// The starter holds the other end: when it is gone, however that happened, so are we.
process.on('disconnect', () => process.exit());
