// Checkpoints that overlap: barriers faster than state can be written, and increments on what is there no more.

import { expect, test } from 'vitest';
import { makeCount } from '../../bench/simulate/protocol/protocol-subtasks.js';
import { type AttemptNumber, type CheckpointId, checkpointId } from '../../src/base/ids.js';
import { SNAPSHOT_SLICE_ENTRIES } from '../../src/base/limits.js';
import type { Element } from '../../src/elements/element.js';
import type { Machine, TaskEffect, TaskInput } from '../../src/task/effect.js';

/** More than one slice, so that a walk is still under way when the next barrier comes. */
const KEYS = 3 * SNAPSHOT_SLICE_ENTRIES;
const ONE = checkpointId(1);
const TWO = checkpointId(2);

/** A subtask that counts per key, between a sender and a store that are played by the test. */
class Counter {
  readonly effects: TaskEffect[] = [];
  readonly #machine: Machine;
  #seq = 0;

  constructor({ incremental }: { readonly incremental: boolean }) {
    this.#machine = makeCount({
      subtask: 0,
      parallelism: 1,
      attempt: 1 as AttemptNumber,
      incremental,
      restored: null,
      readSegment: () => [],
      handled: 0,
    }).machine;
  }

  give(input: TaskInput): readonly TaskEffect[] {
    const effects = this.#machine.step(input, 0);
    this.effects.push(...effects);
    // What goes on to the sink finds room there.
    for (const effect of effects)
      if (effect.kind === 'send') this.give({ kind: 'credit', channel: effect.channel, credits: 1 });
    return effects;
  }

  element(element: Element): void {
    this.give({ kind: 'element', channel: 0, seq: this.#seq, element });
    this.#seq += 1;
  }

  records(keys: readonly number[]): void {
    const values = keys.map((key, id) => ({ id, key }));
    this.element({ kind: 'batch', values, timestamps: values.map(() => 0) } as Element);
  }

  barrier(checkpoint: CheckpointId): void {
    this.element({ kind: 'barrier', checkpoint, purpose: { kind: 'checkpoint' } });
  }

  /** The walk goes on to its end; the store answers every chunk of these checkpoints. */
  walk(stored: readonly CheckpointId[]): void {
    let answered = 0;
    for (let round = 0; round < 50; round += 1) {
      this.give({ kind: 'work' });
      const chunks = this.effects.flatMap((effect) => (effect.kind === 'store' ? [effect.chunk] : []));
      for (const { checkpoint } of chunks.slice(answered))
        if (stored.includes(checkpoint)) this.give({ kind: 'chunkStored', checkpoint });
      answered = chunks.length;
    }
  }

  acknowledged(): readonly number[] {
    return this.effects.flatMap((effect) => (effect.kind === 'acknowledge' ? [effect.checkpoint] : []));
  }

  /** Checkpoints whose segments the snapshot of this one names. */
  segmentsOf(checkpoint: CheckpointId): readonly number[] {
    return this.effects.flatMap((effect) =>
      effect.kind === 'acknowledge' && effect.checkpoint === checkpoint
        ? effect.snapshot.operators.flatMap(({ keyed }) => keyed.map((segment) => segment.checkpoint))
        : [],
    );
  }

  started(): readonly number[] {
    return this.effects.flatMap((effect) =>
      effect.kind === 'point' && effect.step === 'snapshot.started' ? [effect.checkpoint] : [],
    );
  }

  /** Keys of the results that went on, and barriers between them. */
  sent(): readonly (number | string)[] {
    return this.effects.flatMap((effect): readonly (number | string)[] => {
      if (effect.kind !== 'send') return [];
      const { element } = effect;
      if (element.kind === 'barrier') return [`barrier ${element.checkpoint}`];
      if (element.kind !== 'batch') return [];
      return element.values.map((value) => (value as { readonly key: number }).key);
    });
  }
}

function walkingCounter(): Counter {
  const counter = new Counter({ incremental: false });
  counter.records(Array.from({ length: KEYS }, (_, key) => key));
  counter.barrier(ONE);
  expect(counter.started()).toEqual([1]);
  expect(counter.effects.some(({ kind }) => kind === 'continue')).toBe(true);
  return counter;
}

test('a barrier behind a snapshot that is under way ends nothing: both are acknowledged, the older first', () => {
  const counter = walkingCounter();
  counter.barrier(TWO);
  expect(counter.started()).toEqual([1]);
  counter.walk([ONE, TWO]);
  expect(counter.acknowledged()).toEqual([1, 2]);
  expect(counter.effects.filter(({ kind }) => kind === 'decline')).toEqual([]);
});

test('the waiting barrier goes on at once, and what is behind it waits for its snapshot', () => {
  const counter = walkingCounter();
  counter.barrier(TWO);
  counter.records([KEYS + 1]);
  expect(counter.sent().slice(KEYS)).toEqual(['barrier 1', 'barrier 2']);
  counter.walk([ONE, TWO]);
  expect(counter.sent().slice(KEYS)).toEqual(['barrier 1', 'barrier 2', KEYS + 1]);
});

test('a snapshot that only waits for the store holds nobody up', () => {
  const counter = walkingCounter();
  counter.walk([]);
  counter.barrier(TWO);
  counter.records([KEYS + 1]);
  expect(counter.started()).toEqual([1, 2]);
  expect(counter.sent().slice(KEYS)).toEqual(['barrier 1', 'barrier 2', KEYS + 1]);
  counter.walk([TWO]);
  expect(counter.acknowledged()).toEqual([2]);
});

test('when the older checkpoint is given up, the waiting one begins', () => {
  const counter = walkingCounter();
  counter.barrier(TWO);
  counter.give({ kind: 'checkpointAborted', checkpoint: ONE, reason: 'expired' });
  expect(counter.started()).toEqual([1, 2]);
  counter.walk([ONE, TWO]);
  expect(counter.acknowledged()).toEqual([2]);
});

test('when the waiting checkpoint is given up, the records behind it go on, and no snapshot begins', () => {
  const counter = walkingCounter();
  counter.barrier(TWO);
  counter.records([KEYS + 1]);
  counter.give({ kind: 'checkpointAborted', checkpoint: TWO, reason: 'expired' });
  counter.walk([ONE, TWO]);
  expect(counter.sent().at(-1)).toBe(KEYS + 1);
  expect(counter.acknowledged()).toEqual([1]);
});

test('when the store refuses a chunk of the older one, the waiting one begins', () => {
  const counter = walkingCounter();
  counter.barrier(TWO);
  counter.give({ kind: 'chunkFailed', checkpoint: ONE, error: new Error('full') });
  expect(counter.effects.filter(({ kind }) => kind === 'decline')).toMatchObject([{ checkpoint: 1 }]);
  expect(counter.started()).toEqual([1, 2]);
});

test('an increment whose base is gone is followed by a full snapshot', () => {
  const counter = new Counter({ incremental: true });
  const take = (checkpoint: CheckpointId): readonly number[] => {
    counter.records([checkpoint]);
    counter.barrier(checkpoint);
    counter.walk([checkpoint]);
    return counter.segmentsOf(checkpoint);
  };
  expect(take(ONE)).toEqual([1]);
  counter.give({ kind: 'checkpointComplete', checkpoint: ONE });
  expect(take(TWO)).toEqual([1, 2]);
  // Later ones have completed, and nobody has told this subtask: it would build on checkpoint 1 for ever.
  counter.give({ kind: 'checkpointAborted', checkpoint: TWO, reason: 'baseGone' });
  expect(take(checkpointId(3))).toEqual([3]);
  counter.give({ kind: 'checkpointComplete', checkpoint: checkpointId(3) });
  expect(take(checkpointId(4))).toEqual([3, 4]);
});
