import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkpointId } from '../../src/base/ids.js';
import { PENDING_BARRIERS_MAX } from '../../src/base/limits.js';
import { barrier } from '../../src/elements/element.js';
import { Alignment, type AlignmentEffect, type AlignmentMode } from '../../src/flow/alignment.js';

const b = (id: number) => barrier(checkpointId(id));
const show = (effects: readonly AlignmentEffect[]): string[] =>
  effects.map((effect) =>
    effect.kind === 'aligned'
      ? `aligned ${effect.barrier.checkpoint}`
      : `aborted ${effect.checkpoint} ${effect.reason}`,
  );

function driver(channels: number, mode: AlignmentMode = 'aligned') {
  const alignment = new Alignment(channels, mode);
  return {
    alignment,
    barrier: (channel: number, id: number) => show(alignment.barrier(channel, b(id))),
    cancel: (channel: number, id: number) => show(alignment.cancel(channel, checkpointId(id))),
    end: (channel: number) => show(alignment.channelEnded(channel)),
    blocked: () => Array.from({ length: channels }, (_, c) => c).filter((c) => alignment.isBlocked(c)),
  };
}

describe('aligned barriers', () => {
  test('channels that delivered the barrier are blocked until all have (T5.1)', () => {
    const d = driver(3);
    expect(d.barrier(1, 1)).toEqual([]);
    expect(d.barrier(2, 1)).toEqual([]);
    expect(d.blocked()).toEqual([1, 2]);
    expect(d.barrier(0, 1)).toEqual(['aligned 1']);
    expect(d.blocked()).toEqual([]);
    expect([d.barrier(0, 2), d.barrier(1, 2), d.barrier(2, 2)].flat()).toEqual(['aligned 2']);
  });

  test('one channel is aligned by its barrier', () => {
    expect(driver(1).barrier(0, 4)).toEqual(['aligned 4']);
  });

  test('missing cancellations leave no channel blocked (T5.3)', () => {
    const d = driver(2);
    const seen = [d.barrier(0, 1), d.cancel(1, 3), d.cancel(0, 2), d.cancel(0, 3)].flat();
    expect(seen).toEqual(['aborted 1 subsumed', 'aborted 3 canceled']);
    expect(d.blocked()).toEqual([]);
  });

  test('a newer barrier subsumes the pending one and blocks its own channel (5.5)', () => {
    const d = driver(3);
    d.barrier(0, 1);
    d.barrier(1, 1);
    expect(d.barrier(2, 2)).toEqual(['aborted 1 subsumed']);
    expect(d.blocked()).toEqual([2]);
    expect([d.barrier(0, 2), d.barrier(1, 2)].flat()).toEqual(['aligned 2']);
  });

  test('an old barrier is ignored and its channel goes on (5.6)', () => {
    const d = driver(2);
    d.barrier(0, 2);
    expect(d.barrier(1, 1)).toEqual([]);
    expect(d.blocked()).toEqual([0]);
    expect(d.barrier(1, 2)).toEqual(['aligned 2']);
    expect(d.barrier(0, 2)).toEqual([]);
    expect(d.blocked()).toEqual([]);
  });

  test('a cancel before the first barrier is remembered (5.6)', () => {
    const d = driver(2);
    expect(d.cancel(0, 1)).toEqual(['aborted 1 canceled']);
    expect(d.barrier(1, 1)).toEqual([]);
    expect(d.cancel(1, 1)).toEqual([]);
    expect(d.blocked()).toEqual([]);
  });

  test('a cancel of an older checkpoint leaves the pending one alone', () => {
    const d = driver(2);
    d.barrier(0, 2);
    expect(d.cancel(1, 1)).toEqual([]);
    expect(d.barrier(1, 2)).toEqual(['aligned 2']);
  });

  test('two barriers of one channel complete nothing', () => {
    const d = driver(2);
    expect([d.barrier(0, 1), d.barrier(0, 1)].flat()).toEqual([]);
    expect(d.barrier(1, 1)).toEqual(['aligned 1']);
  });

  test('a finished channel counts as aligned, before and during an alignment (5.7)', () => {
    const d = driver(3);
    expect(d.end(0)).toEqual([]);
    expect(d.barrier(1, 1)).toEqual([]);
    expect(d.end(2)).toEqual(['aligned 1']);
    expect(d.barrier(1, 2)).toEqual(['aligned 2']);
  });

  test('a barrier that still comes on a finished channel does no harm', () => {
    const d = driver(2);
    d.end(0);
    d.end(1);
    expect(d.barrier(0, 1)).toEqual(['aligned 1']);
    expect(d.barrier(1, 1)).toEqual([]);
    expect(d.blocked()).toEqual([]);
  });
});

describe('barriers without blocking', () => {
  test('nothing is ever blocked, and the last barrier completes (5.8)', () => {
    const d = driver(2, 'atLeastOnce');
    expect(d.barrier(0, 1)).toEqual([]);
    expect(d.barrier(0, 2)).toEqual([]);
    expect(d.blocked()).toEqual([]);
    expect(d.barrier(1, 1)).toEqual(['aligned 1']);
    expect(d.barrier(1, 2)).toEqual(['aligned 2']);
  });

  test('completing a newer checkpoint ends the older ones', () => {
    const d = driver(3, 'atLeastOnce');
    d.barrier(0, 1);
    d.barrier(0, 2);
    d.barrier(1, 2);
    expect(d.barrier(2, 2)).toEqual(['aborted 1 subsumed', 'aligned 2']);
    expect(d.barrier(1, 1)).toEqual([]);
  });

  test('pending ids are bounded: the oldest is given up', () => {
    const d = driver(2, 'atLeastOnce');
    for (let id = 1; id <= PENDING_BARRIERS_MAX; id += 1) expect(d.barrier(0, id)).toEqual([]);
    expect(d.barrier(0, PENDING_BARRIERS_MAX + 1)).toEqual(['aborted 1 overflow']);
    expect(d.barrier(1, 1)).toEqual([]);
    expect(d.barrier(1, 2)).toEqual(['aligned 2']);
  });

  test('an end completes the oldest of several and then the next', () => {
    const d = driver(2, 'atLeastOnce');
    d.barrier(0, 1);
    d.barrier(0, 2);
    expect(d.end(1)).toEqual(['aligned 1', 'aligned 2']);
  });
});

// The rule book written down naively: sets of who has delivered what.
function naive(channels: number) {
  const ended = new Set<number>();
  let settled = 0;
  let current: { id: number; arrived: Set<number> } | null = null;
  const complete = (out: string[]) => {
    if (current === null) return;
    const { id, arrived } = current;
    for (let c = 0; c < channels; c += 1) if (!arrived.has(c) && !ended.has(c)) return;
    out.push(`aligned ${id}`);
    settled = id;
    current = null;
  };
  return {
    blocked: (c: number) => current?.arrived.has(c) ?? false,
    barrier(c: number, id: number): string[] {
      const out: string[] = [];
      if (id <= settled || (current !== null && id < current.id)) return out;
      if (current !== null && id > current.id) {
        out.push(`aborted ${current.id} subsumed`);
        current = null;
      }
      current ??= { id, arrived: new Set() };
      current.arrived.add(c);
      settled = Math.max(settled, id - 1);
      complete(out);
      return out;
    },
    cancel(id: number): string[] {
      const out: string[] = [];
      if (id <= settled) return out;
      if (current !== null && id < current.id) return out;
      if (current !== null && current.id < id) out.push(`aborted ${current.id} subsumed`);
      out.push(`aborted ${id} canceled`);
      current = null;
      settled = id;
      return out;
    },
    end(c: number): string[] {
      const out: string[] = [];
      ended.add(c);
      complete(out);
      return out;
    },
  };
}

test('alignment agrees with a naive model on any order of barriers, cancels and ends', () => {
  const step = fc.record({
    kind: fc.constantFrom('barrier', 'barrier', 'barrier', 'cancel', 'end'),
    channel: fc.nat(3),
    id: fc.integer({ min: 1, max: 6 }),
  });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 4 }), fc.array(step, { maxLength: 40 }), (channels, steps) => {
      const real = driver(channels);
      const model = naive(channels);
      const reported = new Set<string>();
      for (const { kind, channel: raw, id } of steps) {
        const channel = raw % channels;
        if (real.alignment.isBlocked(channel)) continue;
        const expected =
          kind === 'barrier'
            ? model.barrier(channel, id)
            : kind === 'cancel'
              ? model.cancel(id)
              : model.end(channel);
        const got =
          kind === 'barrier'
            ? real.barrier(channel, id)
            : kind === 'cancel'
              ? real.cancel(channel, id)
              : real.end(channel);
        expect(got).toEqual(expected);
        for (let c = 0; c < channels; c += 1) expect(real.alignment.isBlocked(c)).toBe(model.blocked(c));
        for (const effect of got) {
          const about = effect.split(' ')[1] ?? '';
          expect(reported.has(about)).toBe(false);
          reported.add(about);
        }
      }
    }),
    { numRuns: 500 },
  );
});
