// From a manifest to a new plan: rescale (4.17, 4.18), mapping by uid (4.19), finished operators (5.19), refusals.

import { describe, expect, test } from 'vitest';
import { RestoreError } from '../../src/base/errors.js';
import { checkpointId } from '../../src/base/ids.js';
import { assignState, type RestoringOperator } from '../../src/checkpoint/assignment.js';
import type { Manifest } from '../../src/checkpoint/manifest.js';
import { buildManifest } from '../../src/checkpoint/manifest-builder.js';
import { keyGroupRange } from '../../src/state/key-groups.js';
import {
  A,
  ATTEMPT,
  B,
  C,
  list,
  manifest,
  operatorManifest,
  operatorSnapshot,
  segment,
  subtaskSnapshot,
} from './samples.js';

const STRICT = { allowNonRestoredState: false };
const LENIENT = { allowNonRestoredState: true };

function planned(uid: string, parallelism: number, part: Partial<RestoringOperator> = {}): RestoringOperator {
  return {
    uid,
    name: `the ${uid}`,
    parallelism,
    maxParallelism: 128,
    explicitMaxParallelism: false,
    ...part,
  };
}

/** An operator whose subtask i has one segment of its own. */
function keyed(uid: string, parallelism: number, maxParallelism = 128): Manifest {
  const subtasks = Array.from({ length: parallelism }, (_, subtask) =>
    operatorSnapshot(uid, { keyed: [segment({ operator: uid, subtask, chunks: 2 })] }),
  );
  return manifest({ operators: [operatorManifest(uid, subtasks, maxParallelism)] });
}

function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(RestoreError);
    expect(error).toMatchObject({ unrecoverable: true });
    return error instanceof Error ? error.message : '';
  }
  throw new Error('expected a refusal');
}

describe('keyed state', () => {
  test('every new subtask reads the chains of exactly those old ones whose key groups overlap its own', () => {
    for (const maxParallelism of [1, 7, 10, 128]) {
      for (const before of [1, 2, 3, 5]) {
        for (const after of [1, 2, 3, 4, 7]) {
          if (before > maxParallelism || after > maxParallelism) continue;
          const restored = assignState(
            keyed('count', before, maxParallelism),
            [planned('count', after)],
            STRICT,
          );
          const operator = restored.operators.get('count');
          operator?.subtasks.forEach((own, subtask) => {
            const wanted = keyGroupRange(subtask, maxParallelism, after);
            const expected = Array.from({ length: before }, (_, old) => old).filter((old) => {
              const had = keyGroupRange(old, maxParallelism, before);
              return had.from <= wanted.to && wanted.from <= had.to;
            });
            expect(own.chains.map((chain) => chain[0]?.subtask)).toEqual(expected);
          });
        }
      }
    }
  });

  test('keeps its chains apart and in order: full segment, then increments', () => {
    const full = segment({ checkpoint: 1 });
    const increment = segment({ checkpoint: 2 });
    const snapshot = operatorSnapshot('count', { keyed: [full, increment] });
    const other = operatorSnapshot('count', { keyed: [segment({ checkpoint: 2, subtask: 1 })] });
    const from = manifest({ operators: [operatorManifest('count', [snapshot, other])] });
    const restored = assignState(from, [planned('count', 1)], STRICT);
    expect(restored.operators.get('count')?.subtasks[0]?.chains).toEqual([[full, increment], other.keyed]);
  });
});

describe('max parallelism (4.17)', () => {
  test('is adopted from the snapshot when the user has not named one', () => {
    const restored = assignState(keyed('count', 2, 32), [planned('count', 3)], STRICT);
    expect(restored.operators.get('count')?.maxParallelism).toBe(32);
  });

  test('that the user named must be the one of the snapshot', () => {
    const operator = planned('count', 3, { maxParallelism: 64, explicitMaxParallelism: true });
    const message = refusal(() => assignState(keyed('count', 2, 32), [operator], STRICT));
    expect(message).toMatch(/uid "count" has max parallelism 64, .* written with 32\. Set it to 32/);
    const same = planned('count', 3, { maxParallelism: 32, explicitMaxParallelism: true });
    expect(assignState(keyed('count', 2, 32), [same], STRICT).operators.get('count')?.maxParallelism).toBe(
      32,
    );
  });

  test('is the limit of parallelism', () => {
    const message = refusal(() => assignState(keyed('count', 2, 4), [planned('count', 5)], STRICT));
    expect(message).toMatch(/uid "count" has parallelism 5, .* at most 4 subtasks/);
  });

  test('binds nobody without keyed state', () => {
    const snapshot = operatorSnapshot('map', { lists: [list('s', [1])] });
    const from = manifest({ operators: [operatorManifest('map', [snapshot], 4)] });
    expect(assignState(from, [planned('map', 2)], STRICT).operators.get('map')?.maxParallelism).toBe(4);
    expect(assignState(from, [planned('map', 5)], STRICT).operators.get('map')?.maxParallelism).toBe(128);
    const explicit = planned('map', 2, { maxParallelism: 64, explicitMaxParallelism: true });
    expect(assignState(from, [explicit], STRICT).operators.get('map')?.maxParallelism).toBe(64);
  });
});

describe('mapping by uid (4.19, T4.9)', () => {
  const stateOf = (uid: string) =>
    operatorManifest(uid, [operatorSnapshot(uid, { lists: [list('s', [1])] })]);
  const from = manifest({ operators: [stateOf('a'), stateOf('b')], purpose: 'savepoint', id: 9 });

  test('an operator that was removed is an error that names it, and nothing starts', () => {
    const message = refusal(() => assignState(from, [planned('a', 1)], STRICT));
    expect(message).toContain('Savepoint 9 of job "shop" does not fit');
    expect(message).toContain('operator "the b" with uid "b"');
    expect(message).toContain('allow non-restored state');
  });

  test('with the flag it is left behind by name, and the other keeps its state', () => {
    const restored = assignState(from, [planned('a', 1)], LENIENT);
    expect(restored.notRestored).toEqual(['b']);
    expect(restored.operators.get('a')?.subtasks[0]?.lists).toEqual([list('s', [1])]);
  });

  test('a renamed uid is an error that names both, and empty with the flag', () => {
    const plan = [planned('a', 1), planned('b2', 1)];
    expect(refusal(() => assignState(from, plan, STRICT))).toContain('operators without stored state: "b2"');
    const restored = assignState(from, plan, LENIENT);
    expect(restored.operators.get('b2')?.subtasks).toEqual([{ chains: [], lists: [], finished: false }]);
  });

  test('an operator that never had state may go without a word', () => {
    const empty = operatorManifest('idle', [
      operatorSnapshot('idle', { keyed: [segment({ chunks: 0 })], lists: [list('s', [])] }),
      null,
    ]);
    const restored = assignState(manifest({ operators: [empty] }), [planned('a', 1)], STRICT);
    expect(restored.notRestored).toEqual([]);
  });

  test('all problems are in one error', () => {
    const both = manifest({ operators: [...keyed('count', 2, 4).operators, stateOf('b')] });
    const message = refusal(() => assignState(both, [planned('count', 5)], STRICT));
    expect(message).toContain('uid "b"');
    expect(message).toContain('uid "count"');
  });
});

describe('finished operators (5.19)', () => {
  const from = (...finished: boolean[]) =>
    manifest({
      operators: [
        operatorManifest(
          'source',
          finished.map((done) => operatorSnapshot('source', { finished: done })),
        ),
      ],
    });
  const flags = (restored: ReturnType<typeof assignState>) =>
    restored.operators.get('source')?.subtasks.map((subtask) => subtask.finished);

  test('stay finished, all of them, at any parallelism', () => {
    expect(flags(assignState(from(true, true), [planned('source', 3)], STRICT))).toEqual([true, true, true]);
    expect(flags(assignState(from(false, false), [planned('source', 1)], STRICT))).toEqual([false]);
  });

  test('that are some of several keep their places, and cannot be rescaled', () => {
    expect(flags(assignState(from(true, false), [planned('source', 2)], STRICT))).toEqual([true, false]);
    const message = refusal(() => assignState(from(true, false), [planned('source', 3)], STRICT));
    expect(message).toContain(
      'some of the 2 subtasks of operator "the source" with uid "source" had finished',
    );
    expect(message).toContain('Restore with parallelism 2');
  });

  test('that are connectors run again and read their own state, so they can be rescaled in part', () => {
    const lists = [list('weir.splits', [1, 2])];
    const subtasks = [true, false].map((finished) => operatorSnapshot('source', { finished, lists }));
    const half = manifest({ operators: [operatorManifest('source', subtasks)] });
    const restored = assignState(half, [planned('source', 3)], STRICT);
    expect(flags(restored)).toEqual([false, false, false]);
    const items = restored.operators.get('source')?.subtasks.map((own) => own.lists[0]?.items.length);
    expect(items).toEqual([2, 1, 1]);
  });
});

describe('the manifest', () => {
  const draft = {
    checkpoint: checkpointId(3),
    attempt: ATTEMPT,
    purpose: { kind: 'stop', drain: true } as const,
    durationMs: 12,
    jobFinished: false,
    snapshots: new Map([A, B, C].map((id) => [id, subtaskSnapshot(id)])),
  };
  const operators = [planned('source', 1), planned('count', 2), planned('idle', 2)];

  test('sorts what subtasks reported by operator and index, and keeps operators without a report', () => {
    const built = buildManifest(draft, { job: 'shop', operators, completedWallMs: 99 });
    expect(built).toMatchObject({ format: 1, job: 'shop', checkpoint: 3, attempt: 7, purpose: 'stop' });
    expect(
      built.operators.map(({ uid, subtasks }) => [uid, subtasks.map((own) => own?.uid ?? null)]),
    ).toEqual([
      ['source', ['source']],
      ['count', ['count', 'count']],
      ['idle', [null, null]],
    ]);
  });

  test('does not take reports that the plan does not know, or twice', () => {
    const facts = { job: 'shop', operators: [planned('source', 1)], completedWallMs: 0 };
    expect(() => buildManifest(draft, facts)).toThrow('operators of the plan');
    const twice = { ...draft, snapshots: new Map([A, B].map((id) => [id, subtaskSnapshot(A)])) };
    expect(() => buildManifest(twice, facts)).toThrow('reports once');
  });
});
