/** Nest before 11.1.4 says nowhere that a testing module has its adapter now. */
import { HttpAdapterHost } from '@nestjs/core';
import { whenAdapterIsSet } from '../../../lib/route-table/http-adapter.js';

/** As it was before: an accessor without `init$`. */
class EarlierHost {
  #adapter: object | undefined;
  get httpAdapter(): object | undefined {
    return this.#adapter;
  }
  set httpAdapter(adapter: object | undefined) {
    this.#adapter = adapter;
  }
}

const adapter = { getType: () => 'express' };

describe.each([
  ['now', () => new HttpAdapterHost()],
  ['before 11.1.4', () => new EarlierHost()],
])('the host of the adapter, as it is %s', (_, makeHost) => {
  it('calls everybody once when the adapter is set, and those who come later at once', () => {
    const host = makeHost() as unknown as HttpAdapterHost;
    const calls: string[] = [];
    whenAdapterIsSet(host, () => calls.push(`first ${host.httpAdapter === (adapter as unknown)}`));
    whenAdapterIsSet(host, () => calls.push('second'));
    expect(calls).toEqual([]);
    host.httpAdapter = adapter as unknown as HttpAdapterHost['httpAdapter'];
    expect(calls).toEqual(['first true', 'second']);
    host.httpAdapter = adapter as unknown as HttpAdapterHost['httpAdapter'];
    whenAdapterIsSet(host, () => calls.push('later'));
    expect(calls).toEqual(['first true', 'second', 'later']);
    expect(host.httpAdapter).toBe(adapter);
  });
});
