import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { InvariantError } from '../../src/base/assert.js';
import { CHANNEL_CAPACITY_ELEMENTS } from '../../src/base/limits.js';
import { watermark } from '../../src/elements/element.js';
import { Inbox } from '../../src/flow/inbox.js';

const never = () => false;

describe('the inbox of a subtask', () => {
  test('channels take turns, whatever their backlog (I3)', () => {
    const inbox = new Inbox(3, 8);
    for (let seq = 0; seq < 4; seq += 1) inbox.put(0, seq, watermark(seq));
    inbox.put(2, 0, watermark(100));
    const order: number[] = [];
    for (let channel = inbox.next(never); channel !== null; channel = inbox.next(never)) {
      order.push(channel);
      inbox.take(channel);
    }
    expect(order).toEqual([0, 2, 0, 0, 0]);
  });

  test('a blocked channel is not read and keeps its place', () => {
    const inbox = new Inbox(2, 8);
    inbox.put(0, 0, watermark(1));
    inbox.put(1, 0, watermark(2));
    expect(inbox.next((channel) => channel === 0)).toBe(1);
    inbox.take(1);
    expect(inbox.next((channel) => channel === 0)).toBeNull();
    expect(inbox.next(never)).toBe(0);
  });

  test('an element that comes twice is dropped and counted (F12)', () => {
    const inbox = new Inbox(1, 8);
    expect(inbox.put(0, 0, watermark(1))).toBe(true);
    expect(inbox.put(0, 0, watermark(1))).toBe(false);
    expect([inbox.duplicates, inbox.size]).toEqual([1, 1]);
  });

  test('a missing element is a crash, never silence (F13)', () => {
    const inbox = new Inbox(1, 8);
    inbox.put(0, 0, watermark(1));
    expect(() => inbox.put(0, 2, watermark(2))).toThrow(InvariantError);
  });

  test('more than the capacity is a crash', () => {
    const inbox = new Inbox(1, 2);
    inbox.put(0, 0, watermark(1));
    inbox.put(0, 1, watermark(2));
    expect(() => inbox.put(0, 2, watermark(3))).toThrow('obeys its credits');
  });

  test('a channel that is never read costs only its own credits', () => {
    const inbox = new Inbox(2, CHANNEL_CAPACITY_ELEMENTS);
    for (let seq = 0; seq < CHANNEL_CAPACITY_ELEMENTS; seq += 1) inbox.put(0, seq, watermark(seq));
    let credits = CHANNEL_CAPACITY_ELEMENTS;
    for (let seq = 0; seq < 100; seq += 1) {
      expect(credits).toBeGreaterThan(0);
      inbox.put(1, seq, watermark(seq));
      credits += inbox.take(1).credits - 1;
    }
  });
});

test('credits given, elements held and credits owed always add up, and the order of a channel stays', () => {
  const capacity = fc.integer({ min: 1, max: 9 });
  const step = fc.record({ put: fc.boolean(), channel: fc.nat(2) });
  fc.assert(
    fc.property(capacity, fc.array(step, { maxLength: 200 }), (size, steps) => {
      const inbox = new Inbox(3, size);
      const credits = [size, size, size];
      const sent = [0, 0, 0];
      const received = [0, 0, 0];
      for (const { put, channel } of steps) {
        if (put) {
          if (credits[channel] === 0) continue;
          credits[channel] = (credits[channel] as number) - 1;
          inbox.put(channel, sent[channel] as number, watermark(sent[channel] as number));
          sent[channel] = (sent[channel] as number) + 1;
          continue;
        }
        const turn = inbox.next(never);
        if (turn === null) continue;
        const taken = inbox.take(turn);
        expect(taken.element).toEqual(watermark(received[turn] as number));
        received[turn] = (received[turn] as number) + 1;
        credits[turn] = (credits[turn] as number) + taken.credits;
        // A sender without credit always has something on its way to be read: otherwise both would wait for ever.
        for (let c = 0; c < 3; c += 1) {
          const held = (sent[c] as number) - (received[c] as number);
          expect((credits[c] as number) + held).toBeLessThanOrEqual(size);
          if (credits[c] === 0) expect(held).toBeGreaterThan(0);
        }
      }
    }),
  );
});
