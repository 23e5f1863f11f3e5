/** Runs the command line: reads the arguments, prints the result and returns the exit code. */
import { auditApplication } from './audit/audit-application.js';
import { readCommand, USAGE } from './command.js';
import { examine } from './doctor.js';
import { explain } from './explain.js';
import { printDiagnosis, printExplanation } from './findings.js';
import { serveIssuer, untilStopped } from './issuer/serve-issuer.js';
import { migrateApplication } from './migrate/migrate-application.js';
import { readToken, type TokenInput } from './read-token.js';
import { UsageError } from './usage-error.js';

/** The streams of the process, or substitutes in tests. */
export interface CommandStreams {
  readonly stdin: TokenInput;
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
}

/**
 * @param argv the arguments, without the name of the program
 * @returns the exit code. `process.exit()` is not called, because it could end the process before all output is written.
 */
export async function runCommand(argv: readonly string[], streams: CommandStreams): Promise<number> {
  try {
    return await run(argv, streams);
  } catch (error) {
    if (error instanceof UsageError) {
      streams.stderr.write(`nestjs-resource-server: ${error.message}\n\n${USAGE}`);
      return 2;
    }
    // The message is not printed, because it may contain secrets.
    const name = error instanceof Error ? (error.stack ?? '').split('\n').slice(1, 4).join('\n') : 'unknown';
    streams.stderr.write(`nestjs-resource-server: internal error of the command:\n${name}\n`);
    return 3;
  }
}

async function run(argv: readonly string[], { stdin, stdout, stderr }: CommandStreams): Promise<number> {
  const command = readCommand(argv, process.env);
  if (command.name === 'help') {
    stdout.write(USAGE);
    return 0;
  }
  if (command.name === 'doctor') {
    const diagnosis = await examine(command);
    stdout.write(printDiagnosis(diagnosis, command));
    const wrong = command.strict ? ['FAIL', 'warn'] : ['FAIL'];
    return diagnosis.findings.some(({ status }) => wrong.includes(status)) ? 1 : 0;
  }
  if (command.name === 'audit') {
    const { code, out, err } = await auditApplication(command);
    stdout.write(out);
    stderr.write(err);
    return code;
  }
  if (command.name === 'migrate') {
    const { code, out } = migrateApplication(command);
    stdout.write(out);
    return code;
  }
  if (command.name === 'issuer') {
    const output = {
      out: (text: string) => stdout.write(text),
      err: (text: string) => stderr.write(text),
    };
    return serveIssuer(command, output, untilStopped);
  }
  const explanation = await explain(await readToken(stdin, stderr), command);
  stdout.write(printExplanation(explanation, command));
  return { accepted: 0, refused: 1, unknown: 3 }[explanation.verdict];
}
