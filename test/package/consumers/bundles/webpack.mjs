/**
 * Bundles src/main.ts with everything in it, minified, with webpack or rspack, which are configured alike.
 *
 *     node webpack.mjs webpack|rspack commonjs|module
 *
 * Fails with a warning about this package, too.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [bundler, format] = process.argv.slice(2);
const require = createRequire(import.meta.url);
const pack = require(bundler === 'rspack' ? '@rspack/core' : 'webpack');

const OPTIONAL =
  /^(class-(transformer|validator)|@nestjs\/(microservices|websockets)(\/.*)?|@fastify\/(multipart|static|view))$/;

function isMissing(name) {
  if (!OPTIONAL.test(name)) return false;
  try {
    require.resolve(name);
    return false;
  } catch {
    return true;
  }
}

const isModule = format === 'module';
const compiler = pack({
  mode: 'production',
  target: 'node20',
  entry: './src/main.ts',
  output: {
    path: join(process.cwd(), 'dist'),
    filename: isModule ? 'main.mjs' : 'main.cjs',
    ...(isModule ? { module: true, chunkFormat: 'module', library: { type: 'module' } } : {}),
  },
  ...(isModule ? { experiments: { outputModule: true } } : {}),
  // Nest 11 asks where it is, by require.resolve(); a CommonJS bundle cannot load it.
  resolve: {
    alias: { 'file-type': false },
    extensions: ['.ts', '.js'],
    extensionAlias: { '.js': ['.ts', '.js'] },
  },
  module: {
    rules: [
      {
        test: /\.ts$/,
        ...(bundler === 'rspack'
          ? {
              loader: 'builtin:swc-loader',
              options: {
                jsc: {
                  parser: { syntax: 'typescript', decorators: true },
                  transform: { legacyDecorator: true, decoratorMetadata: true },
                  target: 'es2022',
                },
              },
            }
          : { loader: 'ts-loader', options: { transpileOnly: true } }),
      },
    ],
  },
  plugins: [new pack.IgnorePlugin({ checkResource: isMissing })],
});

compiler.run((error, stats) => {
  const { errors = [], warnings = [] } = stats?.toJson({ all: false, errors: true, warnings: true }) ?? {};
  const ours = warnings.filter(({ moduleName = '', moduleIdentifier = '' }) =>
    `${moduleName}${moduleIdentifier}`.includes('nestjs-resource-server'),
  );
  for (const { message, moduleName } of [...errors, ...ours]) console.error(`${moduleName}: ${message}`);
  if (error) console.error(error);
  process.exitCode = error || errors.length + ours.length > 0 ? 1 : 0;
});
