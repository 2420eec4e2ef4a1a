// The coordinator against a hostile world: random acknowledgements, declines, time-outs, duplicates, stale messages,
// stores that refuse or break, savepoints, stops, ends of data. Its invariants K1 to K4 hold after every step.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { StoreError } from '../../src/base/errors.js';
import { attemptNumber, type CheckpointId, checkpointId, type SubtaskId } from '../../src/base/ids.js';
import type { CoordinatorEffect } from '../../src/checkpoint/coordinator-protocol.js';
import { A, B, C, subtaskSnapshot, TestCoordinator, type TestInput } from './samples.js';

const SUBTASKS = [A, B, C];

type Action =
  | { readonly kind: 'answer'; readonly age: number; readonly subtask: number; readonly how: number }
  | { readonly kind: 'pass'; readonly ms: number }
  | { readonly kind: 'store'; readonly age: number; readonly how: number }
  | { readonly kind: 'savepoint'; readonly stop: number }
  | { readonly kind: 'finish'; readonly subtask: number };

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant('answer' as const),
      age: fc.nat(2),
      subtask: fc.nat(2),
      how: fc.nat(19),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.constantFrom(1, 50, 200, 700) }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('store' as const), age: fc.nat(2), how: fc.nat(19) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('savepoint' as const), stop: fc.nat(11) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('finish' as const), subtask: fc.nat(2) }) },
);

/** Plays the subtasks and the store, and keeps its own account of what the coordinator may do. */
class World {
  readonly coordinator: TestCoordinator;
  readonly #concurrentMax: number;
  readonly #acked = new Map<CheckpointId, Set<SubtaskId>>();
  readonly #atStore: { readonly checkpoint: CheckpointId; readonly what: 'manifest' | 'export' }[] = [];
  readonly #durable = new Set<CheckpointId>();
  readonly #ended = new Map<CheckpointId, string>();
  readonly #triggered: CheckpointId[] = [];
  readonly #finished = new Set<SubtaskId>();
  readonly #asked = new Set<string>();
  readonly #answered: string[] = [];
  #granted = 0;
  #deaths = 0;

  constructor(concurrentMax: number, tolerableFailures: number) {
    this.#concurrentMax = concurrentMax;
    this.coordinator = new TestCoordinator(
      { intervalMs: 100, timeoutMs: 300, concurrentMax, tolerableFailures, lastCheckpointId: 5 },
      { grantIds: false },
    );
    this.#check(this.coordinator.start());
  }

  act(next: Action): void {
    switch (next.kind) {
      case 'answer':
        return this.#answer(next.age, SUBTASKS[next.subtask] ?? A, next.how);
      case 'pass':
        return this.#check(this.coordinator.after(next.ms));
      case 'store':
        return this.#storeAnswers(next.age, next.how);
      case 'savepoint':
        return this.#ask(next.stop);
      case 'finish': {
        const subtask = SUBTASKS[next.subtask] ?? A;
        this.#finished.add(subtask);
        return this.#give({ kind: 'finished', subtask });
      }
    }
  }

  end(): void {
    this.#give({ kind: 'attemptEnded', reason: 'the test is over' });
    expect(this.coordinator.machine.status()).toMatchObject({ phase: 'closed', pending: [] });
    expect([...this.#answered].sort()).toEqual([...this.#asked].sort());
  }

  #answer(age: number, subtask: SubtaskId, how: number): void {
    const checkpoint = this.#triggered.at(-1 - age) ?? checkpointId(999);
    if (how === 0) {
      const stale = attemptNumber(6);
      const snapshot = subtaskSnapshot(subtask);
      return this.#give({ kind: 'acknowledged', checkpoint, subtask, snapshot, attempt: stale });
    }
    if (how <= 2) {
      const cause = how === 1 ? 'failed' : 'subsumed';
      return this.#give({ kind: 'declined', checkpoint, subtask, cause, reason: 'because' });
    }
    this.#acked.get(checkpoint)?.add(subtask);
    const snapshot = subtaskSnapshot(subtask, { finished: this.#finished.has(subtask) });
    this.#give({ kind: 'acknowledged', checkpoint, subtask, snapshot });
  }

  #storeAnswers(age: number, how: number): void {
    const [work] = this.#atStore.splice(Math.min(age, Math.max(0, this.#atStore.length - 1)), 1);
    if (work === undefined) return;
    const { checkpoint, what } = work;
    const error = new StoreError(how === 0 ? 'WEIR_STORE_POISONED' : 'WEIR_STORE', 'broken');
    if (what === 'export') {
      return this.#give(
        how <= 2 ? { kind: 'exportFailed', checkpoint, error } : { kind: 'exported', checkpoint },
      );
    }
    if (how <= 2) return this.#give({ kind: 'storeFailed', checkpoint, error });
    this.#durable.add(checkpoint);
    this.#give({ kind: 'storeCompleted', checkpoint });
  }

  #ask(stop: number): void {
    const requestId = `request ${this.#asked.size}`;
    this.#asked.add(requestId);
    this.#check(this.coordinator.savepoint(requestId, stop === 0 ? 'suspend' : stop === 1 ? 'drain' : null));
  }

  #give(input: TestInput): void {
    this.#check(this.coordinator.give(input));
  }

  #check(effects: readonly CoordinatorEffect[]): void {
    for (const effect of effects) this.#take(effect);
    const { pending, counters, phase } = this.coordinator.machine.status();
    expect(pending.filter(({ stage }) => stage !== 'exporting').length).toBeLessThanOrEqual(
      this.#concurrentMax,
    );
    // A stop that is being exported has ended already: it is complete.
    const open = pending.filter(
      ({ stage, purpose }) => !(stage === 'exporting' && purpose === 'stop'),
    ).length;
    const { completed, exported, aborted, unknown } = counters;
    expect(completed + exported + aborted + unknown + open).toBe(counters.triggered);
    if (phase === 'closed') expect(pending).toEqual([]);
  }

  #take(effect: CoordinatorEffect): void {
    switch (effect.kind) {
      case 'reserveIds':
        this.#granted = effect.upTo;
        return this.#give({ kind: 'idsReserved', upTo: effect.upTo });
      case 'trigger':
        expect(effect.checkpoint).toBeGreaterThan(this.#triggered.at(-1) ?? 5);
        expect(effect.checkpoint).toBeLessThanOrEqual(this.#granted);
        expect(this.#deaths).toBe(0);
        this.#triggered.push(effect.checkpoint);
        this.#acked.set(effect.checkpoint, new Set());
        return;
      case 'writeManifest':
        expect(this.#acked.get(effect.draft.checkpoint)?.size).toBe(SUBTASKS.length);
        expect([...effect.draft.snapshots.keys()].sort()).toEqual([...SUBTASKS].sort());
        this.#atStore.push({ checkpoint: effect.draft.checkpoint, what: 'manifest' });
        return;
      case 'exportSavepoint':
        expect(this.#acked.get(effect.draft.checkpoint)?.size).toBe(SUBTASKS.length);
        this.#atStore.push({ checkpoint: effect.draft.checkpoint, what: 'export' });
        return;
      case 'notifyComplete':
        expect(this.#durable.has(effect.checkpoint)).toBe(true);
        return this.#endsOnce(effect.checkpoint, 'completed');
      case 'notifyAborted':
        expect(this.#durable.has(effect.checkpoint)).toBe(false);
        expect(this.#atStore.some(({ checkpoint }) => checkpoint === effect.checkpoint)).toBe(false);
        return this.#endsOnce(effect.checkpoint, 'aborted');
      case 'savepointDone':
      case 'savepointFailed':
        expect(this.#answered).not.toContain(effect.requestId);
        this.#answered.push(effect.requestId);
        return;
      case 'stopFailed':
      case 'failAttempt':
        this.#deaths += 1;
        expect(this.#deaths).toBe(1);
        return;
      default:
        return;
    }
  }

  #endsOnce(checkpoint: CheckpointId, how: string): void {
    expect(this.#triggered).toContain(checkpoint);
    expect(this.#ended.has(checkpoint)).toBe(false);
    this.#ended.set(checkpoint, how);
  }
}

test('whatever happens, no checkpoint completes without all acknowledgements and a durable manifest, and each ends once', () => {
  const totals = { completed: 0, exported: 0, aborted: 0, unknown: 0, done: 0 };
  const property = fc.property(
    fc.integer({ min: 1, max: 3 }),
    fc.constantFrom(0, 3, 1000),
    fc.array(action, { minLength: 50, maxLength: 250 }),
    (concurrentMax, tolerableFailures, actions) => {
      const world = new World(concurrentMax, tolerableFailures);
      for (const next of actions) world.act(next);
      const { phase } = world.coordinator.machine.status();
      world.end();
      const { counters } = world.coordinator.machine.status();
      totals.completed += counters.completed;
      totals.exported += counters.exported;
      totals.aborted += counters.aborted;
      totals.unknown += counters.unknown;
      if (phase === 'done') totals.done += 1;
    },
  );
  fc.assert(property, { numRuns: 400 });
  // The world is hostile, but not so hostile that nothing is tested.
  for (const [what, seen] of Object.entries(totals)) expect(seen, what).toBeGreaterThan(0);
});
