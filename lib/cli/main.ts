#!/usr/bin/env node
/** What is asked on the command line? `doctor`: is this API set up rightly? `explain`: why is this token refused? */
import { readCommand, USAGE, UsageError } from './command.js';
import { examine } from './doctor.js';
import { explain } from './explain.js';
import { printDiagnosis, printExplanation } from './findings.js';
import { readToken } from './read-token.js';

/** No `process.exit()`: what was written must get out first. */
async function run(argv: readonly string[]): Promise<number> {
  const command = readCommand(argv);
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
