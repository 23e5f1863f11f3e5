#!/usr/bin/env node
/** The program behind the command `nestjs-resource-server`. */
import { runCommand } from './run-command.js';

process.exitCode = await runCommand(process.argv.slice(2), process);
