// State with a time to live against a model: every use of every kind of state, in all modes, with the clock, with full and
// incremental snapshots in slices, and with restores at another parallelism between any two steps.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { SnapshotWalk } from '../../src/state/keyed-snapshot.js';
import { testBackend } from './backends.js';
import {
  emptyTtlModel,
  Fleet,
  type Mode,
  modes,
  type Step,
  steps,
  type TtlModel,
  useModel,
} from './ttl-model.js';

type Segments = readonly (readonly Uint8Array[])[];

/** A snapshot of all subtasks: chains of segments, one per subtask, and what the model held at the barrier. */
interface Checkpoint {
  readonly id: number;
  readonly chains: readonly Segments[];
  readonly model: TtlModel;
}

interface Running {
  readonly id: number;
  readonly base: Checkpoint | null;
  readonly walks: readonly SnapshotWalk[];
  readonly chunks: Uint8Array[][];
  readonly model: TtlModel;
  readonly open: Set<number>;
}

class Story {
  private readonly mode: Mode;
  private readonly clock = { nowMs: 0 };
  private fleet: Fleet;
  private use: ReturnType<Fleet['open']>;
  private model = emptyTtlModel();
  private running: Running | null = null;
  private completed: Checkpoint | null = null;
  private checkpoints = 0;

  constructor(mode: Mode) {
    this.mode = mode;
    this.fleet = new Fleet(1, mode, this.clock);
    this.use = this.fleet.open();
  }

  step(step: Step): void {
    switch (step.kind) {
      case 'use':
        expect(this.use(step), JSON.stringify(step)).toEqual(
          useModel(this.model, this.mode, this.clock.nowMs, step),
        );
        break;
      case 'wait':
        this.clock.nowMs += step.ms;
        break;
      case 'begin':
        this.begin(step.full);
        break;
      case 'slice':
        this.slice(step.entries);
        break;
      default:
        this.restore(step.parallelism);
    }
    expect(this.fleet.audit()).toEqual([]);
  }

  private begin(full: boolean): void {
    if (this.running !== null) return;
    this.checkpoints += 1;
    const id = this.checkpoints;
    const base = full ? null : this.completed;
    const walks = this.fleet.subtasks.map((backend) =>
      backend.beginSnapshot({ checkpoint: id, baseCheckpoint: base?.id ?? null }),
    );
    this.running = {
      id,
      base,
      walks,
      chunks: walks.map(() => []),
      model: structuredClone(this.model),
      open: new Set(walks.keys()),
    };
  }

  private slice(entries: number): void {
    const { running } = this;
    if (running === null) return;
    for (const at of [...running.open]) {
      const slice = running.walks[at]?.next(entries);
      running.chunks[at]?.push(...(slice?.chunks ?? []));
      if (slice?.done === true) running.open.delete(at);
    }
    if (running.open.size > 0) return;
    this.running = null;
    const chains = running.walks.map((walk, at): Segments => {
      const own = running.chunks[at] ?? [];
      return walk.full ? [own] : [...(running.base?.chains[at] ?? []), own];
    });
    this.completed = { id: running.id, chains, model: running.model };
    for (const backend of this.fleet.subtasks) backend.onCheckpointComplete(running.id);
  }

  /** As after a failure: what the newest complete checkpoint holds, and nothing else. */
  private restore(parallelism: number): void {
    this.running = null;
    const { completed } = this;
    const before = this.fleet.subtasks.length;
    this.fleet = new Fleet(parallelism, this.mode, this.clock);
    this.model = structuredClone(completed?.model ?? emptyTtlModel());
    this.fleet.subtasks.forEach((backend, at) => {
      if (completed === null) return;
      const same = parallelism === before;
      const chains = same ? [completed.chains[at] ?? []] : completed.chains;
      backend.restore(chains.flat(), same ? { baseCheckpoint: completed.id } : {});
    });
    // Increments of another parallelism have nothing to build on.
    if (parallelism !== before && completed !== null) this.completed = null;
    this.use = this.fleet.open();
    if (this.completed === null && completed !== null) this.checkpointNow();
  }

  private checkpointNow(): void {
    this.begin(true);
    while (this.running !== null) this.slice(100);
  }

  /** Everything has expired: reading whatever is left with background cleanup finds nothing. */
  end(): void {
    this.clock.nowMs += 1_000;
    for (const use of [
      'map.keys',
      'map.values',
      'map.entries',
      'list.get',
      'value.get',
      'reducing.get',
      'aggregating.get',
    ] as const)
      for (const key of [0, 1])
        if (this.mode.visibility === 'neverReturnExpired' || use !== 'map.keys')
          this.use({ kind: 'use', use, key, mapKey: 0, n: 0 });
    expect(this.fleet.audit()).toEqual([]);
    expect(this.fleet.size).toBe(0);
  }
}

test('state with a time to live is what the rules say, through snapshots, increments, restores and other parallelisms', () => {
  fc.assert(
    fc.property(modes, steps, (mode, all) => {
      const story = new Story(mode);
      for (const step of all) story.step(step);
      story.end();
    }),
    { numRuns: 1_500 },
  );
});

test('background cleanup goes on in state that is used in any way, and leaves nothing that has expired', () => {
  const clock = { nowMs: 0 };
  const backend = testBackend({ clock });
  const map = backend.map<number, number>('map', { ttl: 60 });
  const list = backend.list<number>('list', { ttl: 60 });
  const value = backend.value<number>('value', { ttl: 60 });
  for (let key = 0; key < 50; key += 1) {
    backend.setKey(key);
    map.set(1, key);
    list.add(key);
    value.set(key);
  }
  clock.nowMs = 100;
  backend.setKey('another key');
  const uses: (() => unknown)[] = [
    () => [...map.keys()],
    () => map.has(1),
    () => map.size,
    () => map.delete(1),
    () => map.clear(),
    () => map.get(1),
    () => list.get(),
    () => list.clear(),
    () => list.set([]),
    () => value.get(),
    () => value.clear(),
  ];
  for (const use of uses) {
    const before = backend.size;
    // The end of a round may come first.
    use();
    use();
    expect(backend.size, use.toString()).toBeLessThan(before);
  }
  for (let round = 0; round < 10; round += 1) for (const use of uses) use();
  expect(backend.size).toBe(0);
  expect(backend.audit()).toEqual([]);
});

test('a sweep goes past what was cleared since, and does not touch the map that was begun anew', () => {
  for (let reads = 0; reads < 12; reads += 1) {
    const clock = { nowMs: 0 };
    const backend = testBackend({ clock });
    const map = backend.map<string, number>('map', { ttl: { ttlMs: 60, cleanup: { entriesPerAccess: 1 } } });
    backend.setKey('k');
    for (const key of ['g0', 'g1', 'g2', 'g3']) map.set(key, 0);
    for (let read = 0; read < reads; read += 1) map.get('g1');
    map.clear();
    clock.nowMs = 120;
    map.set('g1', 3);
    const answers = Array.from({ length: 4 }, () => map.get('g1'));
    expect({ reads, answers, size: map.size }).toEqual({ reads, answers: [3, 3, 3, 3], size: 1 });
    expect(backend.size).toBe(1);
    expect(backend.audit()).toEqual([]);
  }
});
