/**
 * Bundles src/main.ts with esbuild.
 *
 *     node esbuild.mjs FORMAT [--minify] [--external NAME]...
 *
 * `--external '*'`: every package. What is not installed is left out, as Nest loads it only where it is used.
 */
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';
import * as esbuild from 'esbuild';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    minify: { type: 'boolean', default: false },
    external: { type: 'string', multiple: true, default: [] },
  },
});
const [format] = positionals;
const require = createRequire(import.meta.url);

const OPTIONAL =
  /^(class-(transformer|validator)|@nestjs\/(microservices|websockets)(\/.*)?|@fastify\/(multipart|static|view))$/;

const optionalPackages = {
  name: 'optional packages',
  setup(build) {
    build.onResolve({ filter: OPTIONAL }, ({ path }) => {
      try {
        require.resolve(path);
        return undefined;
      } catch {
        return { path, external: true };
      }
    });
  },
};

const { warnings } = await esbuild.build({
  entryPoints: ['src/main.ts'],
  outfile: `dist/main.${format === 'esm' ? 'mjs' : 'cjs'}`,
  bundle: true,
  platform: 'node',
  target: 'node20',
  format,
  minify: values.minify,
  ...(values.external.includes('*') ? { packages: 'external' } : { external: values.external }),
  // What is CommonJS in the bundle says require('node:fs').
  banner:
    format === 'esm'
      ? {
          js: 'import { createRequire as makeRequire } from "node:module"; const require = makeRequire(import.meta.url);',
        }
      : {},
  plugins: [optionalPackages],
  logLevel: 'error',
});
const ours = warnings.filter(({ location }) => location?.file.includes('nestjs-resource-server'));
for (const { text, location } of ours) console.error(`${location.file}:${location.line}: ${text}`);
process.exitCode = ours.length === 0 ? 0 : 1;
