/** What does Next.js have to know? Which folder is the application's, and nothing about who is behind the browser. */
import { fileURLToPath } from 'node:url';
import type { NextConfig } from 'next';

const here = fileURLToPath(new URL('.', import.meta.url));

const config: NextConfig = {
  poweredByHeader: false,
  // There are other lock files further up.
  turbopack: { root: here },
  outputFileTracingRoot: here,
  // `forbidden()`: without it, a page cannot answer with status 403.
  experimental: { authInterrupts: true },
};

export default config;
