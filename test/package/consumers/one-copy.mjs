/** However this package is loaded, by import or by require: is it the same? Asked for in the arguments, by name. */
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

for (const name of process.argv.slice(2)) {
  const imported = await import(name);
  const required = require(name);
  const different = Object.keys(imported).filter((key) => imported[key] !== required[key]);
  if (Object.keys(imported).length === 0 || different.length > 0) {
    console.error(`${name}: two copies of ${different.join(', ')}`);
    process.exitCode = 1;
  }
}
