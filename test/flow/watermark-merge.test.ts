import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MAX_TIMESTAMP } from '../../src/base/timestamps.js';
import { type MergeOutput, WatermarkMerge } from '../../src/flow/watermark-merge.js';

const show = (outputs: readonly MergeOutput[]): (number | string)[] =>
  outputs.map((output) => (output.kind === 'watermark' ? output.time : output.idle ? 'IDLE' : 'ACTIVE'));

function merge(channels: number) {
  const under = new WatermarkMerge(channels);
  return {
    under,
    wm: (channel: number, time: number) => show(under.watermark(channel, time)),
    idle: (channel: number) => show(under.status(channel, true)),
    active: (channel: number) => show(under.status(channel, false)),
    end: (channel: number) => show(under.channelEnded(channel)),
  };
}

describe('one watermark out of many', () => {
  test('one channel: only rises, idleness passes, a watermark while idle is ignored (T2.5)', () => {
    const rising = merge(1);
    expect([25, 18, 42].flatMap((time) => rising.wm(0, time))).toEqual([25, 42]);
    const m = merge(1);
    expect(m.active(0)).toEqual([]);
    expect(m.wm(0, 25)).toEqual([25]);
    expect(m.idle(0)).toEqual(['IDLE']);
    expect(m.idle(0)).toEqual([]);
    expect(m.wm(0, 50)).toEqual([]);
    expect(m.active(0)).toEqual(['ACTIVE']);
    expect(m.wm(0, 50)).toEqual([50]);
  });

  test('a silent channel holds back the others until it is idle (T2.2)', () => {
    const m = merge(3);
    expect([m.wm(0, 15), m.wm(1, 10)].flat()).toEqual([]);
    expect(m.under.holdingBack()).toBe(2);
    expect(m.idle(2)).toEqual([10]);
    expect(m.under.holdingBack()).toBe(1);
  });

  test('when all fall idle the highest watermark leaves first (T2.3)', () => {
    const m = merge(3);
    expect([m.wm(0, 10), m.wm(1, 5), m.wm(2, 3)].flat()).toEqual([3]);
    expect(m.idle(0)).toEqual([]);
    expect(m.idle(1)).toEqual([]);
    expect(m.idle(2)).toEqual([10, 'IDLE']);
    expect(m.under.holdingBack()).toBeNull();
  });

  test('a channel back from idle counts again once it has caught up (2.14)', () => {
    const m = merge(2);
    m.wm(0, 10);
    m.idle(1);
    expect(m.wm(0, 20)).toEqual([20]);
    expect(m.active(1)).toEqual([]);
    expect(m.wm(1, 5)).toEqual([]);
    expect(m.wm(0, 30)).toEqual([30]);
    expect(m.wm(1, 29)).toEqual([]);
    expect(m.wm(1, 31)).toEqual([]);
    expect(m.wm(0, 40)).toEqual([31]);
    expect(m.under.holdingBack()).toBe(1);
  });

  test('a channel that is still behind keeps the output from falling idle', () => {
    const m = merge(2);
    m.wm(0, 10);
    expect(m.idle(1)).toEqual([10]);
    expect(m.wm(0, 20)).toEqual([20]);
    expect(m.active(1)).toEqual([]);
    expect(m.idle(0)).toEqual([]);
    expect(m.wm(1, 15)).toEqual([]);
    expect(m.wm(1, 25)).toEqual([25]);
    expect(m.idle(1)).toEqual(['IDLE']);
  });

  test('the minimum is derived anew when a channel becomes active', () => {
    const m = merge(3);
    m.wm(0, 10);
    m.wm(1, 20);
    m.idle(2);
    m.idle(1);
    expect(m.idle(0)).toEqual([20, 'IDLE']);
    expect(m.active(1)).toEqual(['ACTIVE']);
    expect(m.wm(1, 25)).toEqual([25]);
    expect(m.active(0)).toEqual([]);
    expect(m.wm(0, 24)).toEqual([]);
    expect(m.wm(1, 26)).toEqual([26]);
  });

  test('MAX leaves once, when every channel has ended, and an idle one may end too', () => {
    const m = merge(3);
    expect(m.wm(0, MAX_TIMESTAMP)).toEqual([]);
    m.wm(1, 7);
    expect(m.idle(2)).toEqual([7]);
    expect(m.wm(1, MAX_TIMESTAMP)).toEqual(['IDLE']);
    expect(m.wm(2, MAX_TIMESTAMP)).toEqual(['ACTIVE', MAX_TIMESTAMP]);
    expect(m.wm(2, MAX_TIMESTAMP)).toEqual([]);
    expect(m.end(2)).toEqual([]);
  });

  test('a channel that ended no longer holds back the others', () => {
    const m = merge(2);
    m.wm(0, 50);
    expect(m.end(1)).toEqual([50]);
  });

  test('a further channel holds back the output, which does not regress', () => {
    const m = merge(1);
    m.wm(0, 10);
    m.under.open(1);
    expect(m.wm(0, 20)).toEqual([]);
    expect(m.under.holdingBack()).toBe(1);
    expect(m.wm(1, 5)).toEqual([]);
    expect(m.wm(1, 15)).toEqual([15]);
  });
});

test('the output never regresses, nothing follows MAX, and statuses alternate', () => {
  const step = fc.record({
    kind: fc.constantFrom('wm', 'wm', 'wm', 'idle', 'active', 'end'),
    channel: fc.nat(3),
    time: fc.nat(50),
  });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 4 }), fc.array(step, { maxLength: 60 }), (channels, steps) => {
      const m = merge(channels);
      let last = Number.NEGATIVE_INFINITY;
      let idle = false;
      for (const { kind, channel: raw, time } of steps) {
        const channel = raw % channels;
        const outputs =
          kind === 'wm'
            ? m.wm(channel, time)
            : kind === 'idle'
              ? m.idle(channel)
              : kind === 'active'
                ? m.active(channel)
                : m.end(channel);
        for (const output of outputs) {
          if (typeof output === 'number') {
            expect(output).toBeGreaterThan(last);
            last = output;
          } else {
            expect(output).toBe(idle ? 'ACTIVE' : 'IDLE');
            idle = output === 'IDLE';
          }
        }
      }
    }),
    { numRuns: 500 },
  );
});

test('while all channels are active the output is their minimum', () => {
  const step = fc.record({ channel: fc.nat(3), time: fc.nat(1000) });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 4 }), fc.array(step, { maxLength: 60 }), (channels, steps) => {
      const m = merge(channels);
      const highest = new Array<number>(channels).fill(Number.NEGATIVE_INFINITY);
      let last = Number.NEGATIVE_INFINITY;
      for (const { channel: raw, time } of steps) {
        const channel = raw % channels;
        highest[channel] = Math.max(highest[channel] as number, time);
        const minimum = Math.min(...highest);
        expect(m.wm(channel, time)).toEqual(minimum > last ? [minimum] : []);
        last = Math.max(last, minimum);
      }
    }),
  );
});
