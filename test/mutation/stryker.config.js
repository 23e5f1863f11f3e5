/** Stryker's configuration for the folder that run.js names in MUTATE. */
import jestConfig from '../../jest.config.js';
import { TESTS } from './tests-of-folder.js';

const folder = process.env.MUTATE ?? 'access';

export default {
  mutate: [`lib/${folder}/**/*.ts`],
  testRunner: 'jest',
  testRunnerNodeArgs: ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'],
  jest: {
    projectType: 'custom',
    config: {
      ...jestConfig,
      testMatch: TESTS[folder].map((pattern) => `<rootDir>/${pattern}`),
      testSequencer: undefined,
    },
    enableFindRelatedTests: false,
  },
  coverageAnalysis: 'perTest',
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
  maxTestRunnerReuse: 20,
  timeoutMS: 20_000,
  tempDirName: '.stryker-tmp',
  reporters: ['clear-text', 'json'],
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false },
  jsonReporter: { fileName: `reports/mutation/${folder}.json` },
};
