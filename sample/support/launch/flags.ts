/** What was said on the command line? Switches, each on or off; a mistyped one is an error and not ignored. */
import { parseArgs } from 'node:util';

export function readFlags<Name extends string>(...names: readonly Name[]): Readonly<Record<Name, boolean>> {
  try {
    const options = Object.fromEntries(names.map((name) => [name, { type: 'boolean' as const }]));
    const { values } = parseArgs({ options });
    return Object.fromEntries(names.map((name) => [name, values[name] === true])) as Record<Name, boolean>;
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    console.error(`There is: ${names.map((name) => `--${name}`).join(', ')}`);
    return process.exit(1);
  }
}
