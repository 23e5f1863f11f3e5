/** What is published of a decision, and that nothing is done for it while nobody subscribes. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { invalidToken, MissingTokenError, nameIssuer } from '../../../lib/errors/auth.errors.js';
import { Decision, DECISION_CHANNEL, type DecisionEvent } from '../../../lib/guard/decision-events.js';
import { advanceClock, holdClock } from '../../support/clock.js';

class Orders {
  list(): void {}
}

describe('a decision', () => {
  let events: DecisionEvent[];
  const note = (event: unknown): void => void events.push(event as DecisionEvent);
  beforeEach(() => {
    events = [];
    holdClock();
  });
  afterEach(() => void unsubscribe(DECISION_CHANNEL, note));

  const decide = (issuer?: string): Decision => {
    const context = new ExecutionContextHost([{}, {}], Orders, Orders.prototype.list);
    return new Decision(context, issuer);
  };

  it('tells what was allowed, and how long it took', () => {
    subscribe(DECISION_CHANNEL, note);
    const decision = decide('staff');
    decision.scheme = 'DPoP';
    advanceClock(2);
    expect(decision.allow('token')).toBe(true);
    const [event] = events;
    expect(events).toEqual([
      {
        outcome: 'allowed',
        reason: 'token',
        status: undefined,
        route: 'Orders.list',
        transport: 'http',
        issuer: 'staff',
        scheme: 'DPoP',
        duration: expect.any(Number),
      },
    ]);
    expect(event?.duration).toBeCloseTo(2);
  });

  it('tells the reason and the status of a rejection', () => {
    subscribe(DECISION_CHANNEL, note);
    decide().refuse(new MissingTokenError());
    decide().refuse(invalidToken('expired', 'it expired'));
    expect(events).toMatchObject([
      { outcome: 'refused', reason: 'missing_token', status: 401, issuer: undefined, scheme: undefined },
      { outcome: 'refused', reason: 'expired', status: 401 },
    ]);
  });

  it('names the issuer that the error is about, unless another was known before', () => {
    subscribe(DECISION_CHANNEL, note);
    const error = nameIssuer(invalidToken('expired', 'it expired'), 'staff');
    decide().refuse(error);
    decide('guests').refuse(error);
    expect(events.map(({ issuer }) => issuer)).toEqual(['staff', 'guests']);
  });

  it.each([new Error('boom'), 'boom', undefined])(
    'is a fault of this server for any other error: %p',
    (error) => {
      subscribe(DECISION_CHANNEL, note);
      decide().refuse(error);
      expect(events).toMatchObject([{ outcome: 'refused', reason: 'internal_error', status: 500 }]);
    },
  );

  it('is not published where nobody listened when it began', () => {
    const [allowed, refused] = [decide(), decide()];
    subscribe(DECISION_CHANNEL, note);
    expect(allowed.allow('public')).toBe(true);
    refused.refuse(new MissingTokenError());
    expect(events).toEqual([]);
  });
});
