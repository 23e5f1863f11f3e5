#!/usr/bin/env node
/** The command line: `doctor` checks the configuration, `explain` a token, `issuer` gives tokens for development. */
import { readCommand, USAGE } from './command.js';
import { examine } from './doctor.js';
import { explain } from './explain.js';
import { printDiagnosis, printExplanation } from './findings.js';
import { serveIssuer, untilStopped } from './issuer/serve-issuer.js';
import { readToken } from './read-token.js';
import { UsageError } from './usage-error.js';

/** No `process.exit()`: what was written must get out first. */
async function run(argv: readonly string[]): Promise<number> {
  const command = readCommand(argv, process.env);
  if (command.name === 'help') {
    process.stdout.write(USAGE);
    return 0;
  }
  if (command.name === 'doctor') {
    const diagnosis = await examine(command);
    process.stdout.write(printDiagnosis(diagnosis, command));
    const wrong = command.strict ? ['FAIL', 'warn'] : ['FAIL'];
    return diagnosis.findings.some(({ status }) => wrong.includes(status)) ? 1 : 0;
  }
  if (command.name === 'issuer') {
    const output = {
      out: (text: string) => process.stdout.write(text),
      err: (text: string) => process.stderr.write(text),
    };
    return serveIssuer(command, output, untilStopped);
  }
  const explanation = await explain(await readToken(process.stdin), command);
  process.stdout.write(printExplanation(explanation, command));
  return { accepted: 0, refused: 1, unknown: 3 }[explanation.verdict];
}

try {
  process.exitCode = await run(process.argv.slice(2));
} catch (error) {
  if (error instanceof UsageError) {
    process.stderr.write(`nestjs-resource-server: ${error.message}\n\n${USAGE}`);
    process.exitCode = 2;
  } else {
    // Its message may hold what no output may hold.
    const name = error instanceof Error ? (error.stack ?? '').split('\n').slice(1, 4).join('\n') : 'unknown';
    process.stderr.write(`nestjs-resource-server: this is a mistake of the command itself:\n${name}\n`);
    process.exitCode = 3;
  }
}
