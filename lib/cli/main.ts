#!/usr/bin/env node
/** The program behind the command `nestjs-resource-server`. */
import { runCommand } from './run-command.js';

const argv = process.argv.slice(2);
process.exitCode = await runCommand(argv, process);

// Resources that an audited application leaves open would keep the process alive. All output must be written first.
if (argv[0] === 'audit') process.stdout.write('', () => process.stderr.write('', () => process.exit()));
