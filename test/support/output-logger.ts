/** The logger of every Nest application in this file: collects, and prints nothing. */
import { ConsoleLogger, Logger } from '@nestjs/common';
import { collect } from './no-secrets-in-output.js';

class OutputLogger extends ConsoleLogger {
  override log = collect;
  override error = collect;
  override warn = collect;
  override debug = collect;
  override verbose = collect;
  override fatal = collect;
}

export const outputLogger = new OutputLogger();
Logger.overrideLogger(outputLogger);
