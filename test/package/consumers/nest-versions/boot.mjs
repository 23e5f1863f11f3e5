/**
 * Does the guard run on this version of Nest? Boots a small application for each way in which it might not, and ends with
 * 1 where an answer is wrong.
 *
 *     node boot.mjs          all of them
 *     node boot.mjs lazy     those whose name has this in it
 */
import * as common from '@nestjs/common';
import { APP_GUARD, LazyModuleLoader, REQUEST } from '@nestjs/core';
import { AuthGuard, AuthModule } from 'nestjs-resource-server';
import { askGateway, askHybrid, askMicroservice, guardedGateway, guardedHandlers } from './messages.mjs';
import { askGrpc, askNats, askTcp, hasNats } from './transports.mjs';
import {
  closeAll,
  decorate,
  injecting,
  makeController,
  OPTIONS,
  orRefusal,
  start,
  statusesOf,
} from './nest.mjs';

const { Injectable, Module, Scope, UseGuards } = common;

const ask = (definition, prepare) => orRefusal(async () => statusesOf(await start(definition, prepare)));
const ordinary = () => AuthModule.forRoot(OPTIONS);
const configured = (inject, more = {}) =>
  AuthModule.forRootAsync({ inject, useFactory: () => OPTIONS, ...more });

function passing(scope) {
  class PassGuard {
    canActivate() {
      return true;
    }
  }
  return { provide: APP_GUARD, useClass: decorate(PassGuard, [Injectable({ scope })]) };
}

function factoryClass(settings) {
  class OptionsFactory {
    createAuthOptions() {
      return OPTIONS;
    }
  }
  return AuthModule.forRootAsync({ useClass: decorate(OptionsFactory, [Injectable(settings)]) });
}

/** The factory injects a singleton that injects something of this scope. */
function reaching(settings) {
  const Tenant = decorate(class Tenant {}, [Injectable(settings)]);
  const Between = injecting(decorate(class Between {}, [Injectable()]), Tenant);
  const providers = [Tenant, Between];
  const TenantModule = decorate(class TenantModule {}, [Module({ providers, exports: [Between] })]);
  return configured([Between], { imports: [TenantModule] });
}

const feature = (definition) => decorate(class FeatureModule {}, [Module(definition)]);
const loadLazily = (module) => (app) => app.get(LazyModuleLoader).load(() => module);

const GUARDED = '401 200 403 200';
const UNKNOWN_SERVER = /^refused: .*neither socket\.io nor ws/;
const perRequest = /^refused: .*request-scoped/;
const MESSAGES = 'missing_token, string, invalid_token, insufficient_scope, open, ended invalid_token';

const cases = [
  ['forRoot', () => ask({ imports: [ordinary()] }), GUARDED],
  ['forRootAsync', () => ask({ imports: [configured([])] }), GUARDED],
  [
    'a request-scoped controller',
    () => ask({ imports: [ordinary()], controllers: [makeController({ scope: Scope.REQUEST })] }),
    GUARDED,
  ],
  ['another APP_GUARD first', () => ask({ imports: [ordinary()], providers: [passing()] }), GUARDED],
  [
    'a request-scoped APP_GUARD first',
    () => ask({ imports: [ordinary()], providers: [passing(Scope.REQUEST)] }),
    GUARDED,
  ],
  [
    'a factory with a transient class',
    () => ask({ imports: [factoryClass({ scope: Scope.TRANSIENT })] }),
    GUARDED,
  ],
  ['a factory with the request', () => ask({ imports: [configured([REQUEST])] }), perRequest],
  ['a request-scoped class', () => ask({ imports: [factoryClass({ scope: Scope.REQUEST })] }), perRequest],
  [
    'a durable class',
    () => ask({ imports: [factoryClass({ scope: Scope.REQUEST, durable: true })] }),
    perRequest,
  ],
  [
    'a factory that reaches the request',
    () => ask({ imports: [reaching({ scope: Scope.REQUEST })] }),
    perRequest,
  ],
  [
    'a factory that reaches something durable',
    () => ask({ imports: [reaching({ scope: Scope.REQUEST, durable: true })] }),
    perRequest,
  ],
  [
    'a factory with the request, without a global guard',
    () => ask({ imports: [configured([REQUEST], { globalGuard: false })], controllers: [] }),
    perRequest,
  ],
  ['twice', () => ask({ imports: [ordinary(), feature({ imports: [ordinary()] })] }), /^refused: .*2 times/],
  ['without options', () => ask({ imports: [AuthModule] }), /^refused: .*without options/],
  ['once more without options', () => ask({ imports: [ordinary(), AuthModule] }), GUARDED],
  [
    'loaded lazily',
    () => ask({ controllers: [] }, loadLazily(feature({ imports: [ordinary()] }))),
    /^refused: .*lazily/,
  ],
  [
    'loaded lazily once more',
    () => ask({ imports: [ordinary()] }, loadLazily(ordinary())),
    /^refused: .*2 times/,
  ],
  [
    '@UseGuards(AuthGuard) in a module of its own',
    () =>
      ask({
        imports: [
          AuthModule.forRoot({ ...OPTIONS, globalGuard: false }),
          feature({ controllers: [makeController({}, UseGuards(AuthGuard))] }),
        ],
        controllers: [],
      }),
    GUARDED,
  ],
  [
    '@UseGuards(AuthGuard) under the global guard',
    () => ask({ imports: [ordinary()], controllers: [makeController({}, UseGuards(AuthGuard))] }),
    GUARDED,
  ],
  [
    'decorators without a guard',
    () => ask({ imports: [AuthModule.forRoot({ ...OPTIONS, globalGuard: false })] }),
    /^refused: .*decorators/,
  ],
  ['a microservice', askMicroservice, 'refused pong, silent'],
  ['a hybrid application that inherits', () => askHybrid({ inheritAppConfig: true }), 'refused pong, silent'],
  ['a hybrid application that does not', () => askHybrid(), 'placed pong, warned'],
  [
    'a hybrid application that must not',
    () => askHybrid({}, { audit: 'error' }),
    /^refused: .*AuthGuard does not run/,
  ],
  [
    'a hybrid application with @UseGuards()',
    () => askHybrid({}, { handlers: guardedHandlers() }),
    'refused pong, silent',
  ],
  ['messages over TCP', askTcp, MESSAGES],
  ...(hasNats ? [['messages over NATS', askNats, MESSAGES]] : []),
  [
    'calls over gRPC',
    askGrpc,
    '16, string, 16, ended invalid_token, ended missing_token, ended invalid_token',
  ],
  // Its server is of this folder: what cannot be guarded does not start. socket-versions has those of Nest.
  ['a gateway', askGateway, UNKNOWN_SERVER],
  ['a gateway with @UseGuards()', () => askGateway({ gateway: guardedGateway() }), UNKNOWN_SERVER],
];

let wrong = 0;
for (const [name, run, expected] of cases.filter(([each]) => each.includes(process.argv[2] ?? ''))) {
  const answer = await run();
  const isRight = typeof expected === 'string' ? answer === expected : expected.test(answer);
  if (!isRight) wrong += 1;
  console.log(`${isRight ? 'ok   ' : 'WRONG'} ${name}: ${answer}`);
}
await closeAll();
process.exit(wrong === 0 ? 0 : 1);
