/** Who issues the tokens? An authorization server for the demo, in memory. */
import { createProvider } from './provider.js';

const PORT = 4060;

createProvider(`http://localhost:${PORT}`).listen(PORT, '127.0.0.1');

// The starter holds the other end: when it is gone, however that happened, so are we.
process.on('disconnect', () => process.exit());
