/** Stryker's configuration for the file of lib/ that run.js names in MUTATE, and for the stage of tests in STAGE. */
import jestConfig from '../../jest.config.js';
import { reportOf, stagesOf } from './targets.js';

const file = process.env.MUTATE ?? 'jose/strict-json';
const stages = stagesOf(file);
const stage = Number(process.env.STAGE ?? stages.length - 1);

export default {
  mutate: [`lib/${file}.ts`],
  testRunner: 'jest',
  testRunnerNodeArgs: ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'],
  jest: {
    projectType: 'custom',
    config: {
      ...jestConfig,
      testMatch: stages[stage].map((pattern) => `<rootDir>/${pattern}`),
      testSequencer: undefined,
    },
    enableFindRelatedTests: false,
  },
  coverageAnalysis: 'perTest',
  // A stage takes over what the one before has found.
  incremental: true,
  incrementalFile: `${reportOf(file)}.incremental.json`,
  // Texts of log lines and errors: tests compare those that matter.
  mutator: { excludedMutations: ['StringLiteral'] },
  ignorePatterns: [
    '/site',
    '/website',
    '/bench',
    '/dist',
    '/sample',
    '/reports',
    '/test/mutation/node_modules',
    '/test/package',
  ],
  // Code that runs while a module loads: each such change takes the whole run of tests.
  ignoreStatic: true,
  disableTypeChecks: false,
  checkers: [],
  concurrency: 2,
  // Jest keeps what each run has loaded: a runner that never ends has gigabytes after a hundred mutants.
  maxTestRunnerReuse: stage < stages.length - 1 ? 100 : 20,
  timeoutMS: 20_000,
  tempDirName: '.stryker-tmp',
  reporters: stage < stages.length - 1 ? ['json'] : ['clear-text', 'json'],
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false, reportScoreTable: false },
  jsonReporter: { fileName: `${reportOf(file)}.json` },
};
