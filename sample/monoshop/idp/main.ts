/** Who issues MonoShop's tokens? An authorization server for the demo: in memory, on this machine only. */
import { createServer } from 'node:http';
import { createInteractionHandler } from './interaction.js';
import { createProvider } from './provider.js';

const PORT = Number(process.env.PORT ?? 4000);
const DEFAULT_TOKEN_TTL = 3600;

const provider = createProvider(process.env.MONOSHOP_ISSUER ?? `http://localhost:${PORT}`, {
  tokenTtl: Number(process.env.MONOSHOP_TOKEN_TTL ?? DEFAULT_TOKEN_TTL),
  invoiceTokens: process.env.MONOSHOP_INVOICE_TOKENS === 'opaque' ? 'opaque' : 'jwt',
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
}).listen(PORT, '127.0.0.1');

// The starter holds the other end: when it is gone, however that happened, so are we.
process.on('disconnect', () => process.exit());
