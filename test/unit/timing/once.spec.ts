import { Once } from '../../../lib/timing/once.js';

describe('Once', () => {
  it('does the work once, with a promise only while it goes on', async () => {
    const once = new Once<number>();
    let done = 0;
    const work = async (): Promise<number> => ++done;
    expect(once.hasBegun).toBe(false);
    const [a, b] = [once.get(work), once.get(work)];
    expect(once.hasBegun).toBe(true);
    expect(await Promise.all([a, b])).toEqual([1, 1]);
    expect(once.get(work)).toBe(1);
  });

  it('remembers what is at hand, also undefined', () => {
    const once = new Once<undefined>();
    let done = 0;
    const work = (): undefined => void done++;
    void once.get(work);
    void once.get(work);
    expect(done).toBe(1);
  });

  it('fails for everybody, later ones too', async () => {
    const thrown = new Once<number>();
    const error = new Error('cannot');
    const fail = (): never => {
      throw error;
    };
    expect(() => thrown.get(fail)).toThrow(error);
    expect(() => thrown.get(() => 1)).toThrow(error);

    const rejected = new Once<number>();
    await expect(rejected.get(() => Promise.reject(error))).rejects.toBe(error);
    expect(() => rejected.get(() => 1)).toThrow(error);
  });
});
