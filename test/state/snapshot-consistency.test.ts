// S1 of keyed-snapshot.ts: a snapshot is the state at the barrier, whatever happens while it is written.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { keyGroupRange } from '../../src/state/key-groups.js';
import type { SnapshotWalk } from '../../src/state/keyed-snapshot.js';
import {
  apply,
  emptyModel,
  type Model,
  newBackend,
  type Operation,
  openStates,
  operations,
  read,
} from './state-model.js';

interface Written {
  readonly model: Model;
  readonly segments: readonly (readonly Uint8Array[])[];
}

interface Running {
  readonly walk: SnapshotWalk;
  readonly checkpoint: number;
  readonly model: Model;
  readonly base: Written | null;
  readonly chunks: Uint8Array[];
}

/** Runs operations and snapshots as they come, and answers every snapshot that was written to its end. */
function run(ops: readonly Operation[], freeze: boolean, incremental: boolean): Written[] {
  const states = openStates(newBackend(freeze));
  const { backend } = states;
  const model = emptyModel();
  const written = new Map<number, Written>();
  let running: Running | null = null;
  let checkpoint = 0;
  let completed: number | null = null;

  const slice = (entries: number): void => {
    if (running === null) return;
    const { chunks, done } = running.walk.next(entries);
    running.chunks.push(...chunks);
    if (!done) return;
    const base = running.walk.full || running.base === null ? [] : running.base.segments;
    written.set(running.checkpoint, { model: running.model, segments: [...base, running.chunks] });
    running = null;
  };

  for (const op of ops) {
    switch (op.kind) {
      case 'begin': {
        if (running !== null) break;
        checkpoint += 1;
        const base = incremental && completed !== null ? completed : null;
        const walk = backend.beginSnapshot({ checkpoint, baseCheckpoint: base });
        running = {
          walk,
          checkpoint,
          model: structuredClone(model),
          base: base === null ? null : (written.get(base) ?? null),
          chunks: [],
        };
        break;
      }
      case 'slice':
        slice(op.n + 1);
        break;
      case 'cancel':
        (running as Running | null)?.walk.cancel();
        running = null;
        break;
      case 'complete': {
        const newest = Math.max(0, ...written.keys());
        if (newest === 0 || op.n > 3) break;
        completed = newest;
        backend.onCheckpointComplete(newest);
        break;
      }
      default:
        apply(states, model, op, freeze);
    }
  }
  while (running !== null) slice(3);
  expect(read(states)).toEqual(model);
  return [...written.values()];
}

for (const freeze of [true, false]) {
  for (const incremental of [false, true]) {
    test(`a snapshot is the state at its barrier (${freeze ? 'frozen' : 'unfrozen'}, ${incremental ? 'incremental' : 'full'})`, () => {
      fc.assert(
        fc.property(operations, (ops) => {
          for (const { model, segments } of run(ops, freeze, incremental)) {
            const restored = newBackend(freeze);
            restored.restore(segments);
            expect(read(openStates(restored))).toEqual(model);
          }
        }),
        { numRuns: 1_500 },
      );
    });
  }
}

test('subtasks that share the segments of another parallelism hold each key exactly once', () => {
  fc.assert(
    fc.property(operations, operations, fc.integer({ min: 1, max: 5 }), (left, right, parallelism) => {
      // Two old subtasks that both saw all keys would overlap, so each writes its own half first.
      const old = run([...left, ...right], true, true);
      const last = old.at(-1);
      if (last === undefined) return;
      const halves = [0, 1].map((subtask) => rewrite(last.segments, subtask, 2));
      const union = emptyModel();
      for (let subtask = 0; subtask < parallelism; subtask += 1) {
        const restored = newBackend(true, keyGroupRange(subtask, 128, parallelism), subtask);
        restored.restore(halves.flat());
        merge(union, read(openStates(restored)));
      }
      expect(union).toEqual(last.model);
    }),
    { numRuns: 500 },
  );
});

/** Restores a half of the key groups, and writes it as a full segment, an increment that says little, and a third one. */
function rewrite(
  segments: readonly (readonly Uint8Array[])[],
  subtask: number,
  parallelism: number,
): Uint8Array[][] {
  const backend = newBackend(true, keyGroupRange(subtask, 128, parallelism), subtask);
  backend.restore(segments);
  const states = openStates(backend);
  const all: Uint8Array[][] = [];
  for (const checkpoint of [1, 2]) {
    const walk = backend.beginSnapshot({ checkpoint, baseCheckpoint: checkpoint - 1 });
    expect(walk.full).toBe(checkpoint === 1 || backend.size === 0 ? walk.full : false);
    const { chunks, done } = walk.next(1_000_000);
    expect(done).toBe(true);
    if (walk.full) all.length = 0;
    all.push(chunks);
    backend.onCheckpointComplete(checkpoint);
    // A window that goes and comes again: the other subtask may still have its keys in it.
    for (const { start, end } of states.windows.windows()) {
      const kept = [...states.windows.entries(start, end)].map(({ key, value }) => ({ key, value }));
      states.windows.drop(start, end);
      for (const { key, value } of kept) {
        backend.setMapKey(key);
        states.windows.put(start, end, value);
      }
    }
  }
  return all;
}

function merge(into: Model, from: Model): void {
  for (const name of ['value', 'list', 'map', 'reducing', 'aggregating'] as const) {
    for (const [key, value] of from[name]) {
      expect(into[name].has(key)).toBe(false);
      (into[name] as Map<number, unknown>).set(key, value);
    }
  }
  for (const [window, keys] of from.windows) {
    const union = into.windows.get(window) ?? new Map();
    for (const [key, sum] of keys) {
      expect(union.has(key)).toBe(false);
      union.set(key, sum);
    }
    into.windows.set(window, union);
  }
  for (const timer of from.timers) {
    expect(into.timers.has(timer)).toBe(false);
    into.timers.add(timer);
  }
}
