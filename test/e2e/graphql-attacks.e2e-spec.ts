/** The attack suite over GraphQL: a guarded field withstands it, an open one does not. */
import { Query, Resolver } from '@nestjs/graphql';
import { DPoPBound, Groups, OptionalAuth, Public, Scopes } from 'nestjs-resource-server';
import { attackSuite, TestIssuer, type AttackedRoute } from 'nestjs-resource-server/testing';
import { bootApp, type TestApp } from '../support/app.js';
import { graphqlModule, STACKS } from '../support/graphql.js';

@Resolver()
class FieldsResolver {
  @Query(() => String) plain(): string {
    return 'plain';
  }
  @Query(() => String, { nullable: true }) @Scopes('read') @Groups('staff') scoped(): string {
    return 'scoped';
  }
  @Query(() => String) @OptionalAuth() maybe(): string {
    return 'maybe';
  }
  @Query(() => String) @DPoPBound() bound(): string {
    return 'bound';
  }
  @Query(() => String) @Public() open(): string {
    return 'open';
  }
}

describe.each(STACKS)('attacks on GraphQL: $name', ({ driver, platform }) => {
  let issuer: TestIssuer;
  let app: TestApp;
  const path = '/graphql';
  const routes: AttackedRoute[] = [
    { path, graphql: '{ plain }' },
    { path, graphql: '{ scoped }', token: { scope: ['read'], groups: ['staff'] } },
    { path, graphql: '{ maybe }', optional: true },
    { path, graphql: '{ bound }', dpop: true },
  ];
  beforeAll(async () => {
    issuer = await TestIssuer.start();
    app = await bootApp(issuer.options, {
      platform,
      controllers: [],
      imports: [graphqlModule(driver)],
      providers: [FieldsResolver],
    });
  });
  afterAll(async () => {
    await app.close();
    await issuer.close();
  });

  it.each(routes)('are withstood: $graphql', async (route) => {
    const attacks = attackSuite(issuer, route);
    expect(attacks.length).toBeGreaterThan(30);
    for (const attack of attacks) await attack.run(app.origin);
  });

  it('are noticed where they succeed', async () => {
    const attacks = attackSuite(issuer, { path, graphql: '{ open }' });
    const results = await Promise.allSettled(attacks.map((attack) => attack.run(app.origin)));
    const [good, ...hostile] = results;
    expect(good?.status).toBe('fulfilled');
    expect(hostile.every(({ status }) => status === 'rejected')).toBe(true);
  });
});
