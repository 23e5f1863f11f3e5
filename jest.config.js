/** Jest 30 on the TypeScript sources as ES modules; swc emits the decorator metadata that Nest reads. */
export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.spec.ts', '**/*.e2e-spec.ts'],
  // Applications of their own: test/package/consumers/run.js walks them.
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/package/consumers/'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true },
          target: 'es2022',
        },
        module: { type: 'es6' },
      },
    ],
  },
  moduleNameMapper: {
    // Of @fastify/static, which Mercurius loads for its GraphiQL: an ES module, which Jest cannot require before Node 24.9.
    '^content-disposition$': '<rootDir>/node_modules/content-disposition',
    '^#support/(.*)\\.js$': '<rootDir>/sample/support/$1',
    '^nestjs-resource-server$': '<rootDir>/lib/index.ts',
    '^nestjs-resource-server/testing$': '<rootDir>/lib/testing/index.ts',
    '^nestjs-resource-server/opentelemetry$': '<rootDir>/lib/observability/opentelemetry.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  setupFilesAfterEnv: ['<rootDir>/test/support/no-secrets-in-output.ts'],
  testSequencer: '<rootDir>/test/support/sequencer.js',
  // Jest keeps every ES module that a worker has loaded: without an end to it, collecting garbage takes a third of the time.
  workerIdleMemoryLimit: '400MB',
  // Jest leaves one core to itself, and with two runs all files one after the other.
  maxWorkers: '100%',
  testTimeout: 20000,
};
