/** Who issues the tokens? An authorization server for the demo, in memory. */
import { createServer } from 'node:http';
import { createInteractionHandler } from './interaction.js';
import { createProvider } from './provider.js';

const { PORT = '4070', CHAT_ORIGIN = 'http://localhost:4071', CHAT_TOKEN_TTL = '60' } = process.env;

const provider = createProvider({
  issuer: `http://localhost:${PORT}`,
  pageOrigin: CHAT_ORIGIN,
  lifetime: Number(CHAT_TOKEN_TTL),
});
const issueTokens = provider.callback();
const interact = createInteractionHandler(provider);

createServer((request, response) => {
  const handle = request.url?.startsWith('/interaction/') ? interact : issueTokens;
  handle(request, response).catch((error: unknown) => {
    console.error(error);
    if (!response.headersSent) response.writeHead(500);
    response.end();
  });
}).listen(Number(PORT), '127.0.0.1');

// The starter holds the other end: when it is gone, however that happened, so are we.
process.on('disconnect', () => process.exit());
