/**
 * The command that the scripts of package.json run first, so that a fresh clone just runs: installs the repository's
 * dependencies where they are missing or not those of the lock file.
 */
import { fileURLToPath } from 'node:url';
import { installDependencies } from './install-dependencies.js';

try {
  installDependencies(fileURLToPath(new URL('..', import.meta.url)));
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
