/** How many calls are under way, and in which order the others follow. */
import { CallSlots } from '../../../lib/timing/call-slots.js';

describe('CallSlots', () => {
  it('gives so many slots at once, then has callers wait, then refuses', () => {
    const slots = new CallSlots(2, 1);
    expect([slots.take(), slots.take()]).toEqual([true, true]);
    expect(slots.take()).toBeInstanceOf(Promise);
    expect(slots.take()).toBe(false);
  });

  it('hands a slot to the one that waited longest, and to nobody twice', async () => {
    const slots = new CallSlots(1, 10);
    const served: string[] = [];
    const wait = async (name: string): Promise<void> => {
      await slots.take();
      served.push(name);
    };
    void slots.take();
    const waiting = [wait('first'), wait('second')];
    slots.release();
    await waiting[0];
    expect(served).toEqual(['first']);
    slots.release();
    await waiting[1];
    expect(served).toEqual(['first', 'second']);
  });

  it('has a slot free again after each was released', () => {
    const slots = new CallSlots(1, 0);
    for (let i = 0; i < 3; i++) {
      expect(slots.take()).toBe(true);
      expect(slots.take()).toBe(false);
      slots.release();
    }
  });
});
