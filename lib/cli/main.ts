#!/usr/bin/env node
/** The program behind the command `nestjs-resource-server`. */
import { runCommand } from './run-command.js';

const argv = process.argv.slice(2);
process.exitCode = await runCommand(argv, process);

// What an audited application has left open would keep the process. What was written must get out first.
if (argv[0] === 'audit') process.stdout.write('', () => process.stderr.write('', () => process.exit()));
