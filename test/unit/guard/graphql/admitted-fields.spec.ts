/** The fields of a GraphQL request that its token was found good for. */
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { recallField, rememberField } from '../../../../lib/guard/graphql/admitted-fields.js';
import type { ResolvedOptions } from '../../../../lib/options/auth-options.js';
import type { ValidatedToken } from '../../../../lib/token/validated-token.js';
import type { Call } from '../../../../lib/transport/transport.js';

class Orders {
  orders(): void {}
  order(): void {}
}
class Other extends Orders {}

const OPTIONS = {} as ResolvedOptions;
const field = (method: keyof Orders, owner: typeof Orders = Orders): ExecutionContextHost =>
  new ExecutionContextHost([], owner, Orders.prototype[method]);
const callOf = (carrier: object, connection?: Call['connection']): Call => ({
  carrier,
  request: { headers: {} },
  connection,
  operation: carrier,
});
const admit = (call: Call, context: ExecutionContextHost, token = {}, options = OPTIONS): void =>
  rememberField(call, { options, token: token as ValidatedToken, scheme: 'Bearer' }, context);

describe('a field', () => {
  it('is known with the token that it was admitted with', () => {
    const [call, token] = [callOf({}), {}];
    expect(recallField(call, OPTIONS, field('orders'))).toBeUndefined();
    admit(call, field('orders'), token);
    admit(call, field('order'), token);
    for (const method of ['orders', 'order'] as const) {
      const known = recallField(call, OPTIONS, field(method));
      expect(known?.token).toBe(token);
      expect(known?.scheme).toBe('Bearer');
    }
  });

  it('is not another handler, another class with the same handler, or that of another request or module', () => {
    const call = callOf({});
    admit(call, field('orders'));
    expect(recallField(call, OPTIONS, field('order'))).toBeUndefined();
    expect(recallField(call, OPTIONS, field('orders', Other))).toBeUndefined();
    expect(recallField(callOf({}), OPTIONS, field('orders'))).toBeUndefined();
    expect(recallField(call, {} as ResolvedOptions, field('orders'))).toBeUndefined();
  });

  it('is not known any more once another token, or another module, was admitted', () => {
    const [call, first, second] = [callOf({}), {}, {}];
    admit(call, field('orders'), first);
    admit(call, field('order'), second);
    expect(recallField(call, OPTIONS, field('orders'))).toBeUndefined();
    expect(recallField(call, OPTIONS, field('order'))?.token).toBe(second);
    const options = {} as ResolvedOptions;
    admit(call, field('orders'), second, options);
    expect(recallField(call, options, field('orders'))?.token).toBe(second);
    expect(recallField(call, options, field('order'))).toBeUndefined();
  });

  it('of a connection is not known: that outlives what was checked once', () => {
    const [carrier, connection] = [{}, { params: {} }];
    admit(callOf(carrier, connection), field('orders'));
    expect(recallField(callOf(carrier), OPTIONS, field('orders'))).toBeUndefined();
    admit(callOf(carrier), field('orders'));
    expect(recallField(callOf(carrier, connection), OPTIONS, field('orders'))).toBeUndefined();
    expect(recallField(callOf(carrier), OPTIONS, field('orders'))).toBeDefined();
  });

  it('is kept once, however many aliases of it come', () => {
    const [carrier, token] = [{}, {}];
    for (let alias = 0; alias < 3; alias++) admit(callOf(carrier), field('orders'), token);
    expect(recallField(callOf(carrier), OPTIONS, field('orders'))).toMatchObject({
      fields: [Orders, Orders.prototype.orders],
    });
  });
});
