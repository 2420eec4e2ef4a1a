// The same failure at the same record, again and again, ends the job; anything else does not.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ConnectorError, type RecordIdentity, UserCodeError } from '../../src/base/errors.js';
import { POISON_REPEATS_MAX } from '../../src/base/limits.js';
import { JobMachine } from '../../src/recovery/job-machine.js';
import { RepeatedFailure, sayTheSame } from '../../src/recovery/repeated-failure.js';
import { restartStrategy } from '../../src/recovery/restart-strategy.js';

function failure(
  record: string,
  words = 'no number',
  kind: RecordIdentity['kind'] = 'position',
): UserCodeError {
  return new UserCodeError(`map threw: ${words}.`, { operator: 'map', cause: new TypeError(words) }).at({
    position: record,
    subtask: 0,
    identity: { kind, text: record },
  });
}

describe('a repeated failure', () => {
  test('is counted while operator, record and words stay the same', () => {
    const repeated = new RepeatedFailure();
    const times = [
      failure('a'),
      failure('a'),
      failure('b'),
      failure('b'),
      failure('b', 'something else'),
    ].map((each) => repeated.failed(each));
    expect(times).toEqual([1, 2, 1, 2, 1]);
  });

  test('is the same with other times, ids and wrappers around it', () => {
    const repeated = new RepeatedFailure();
    const one = failure('a', 'request 0f8fad5b-d9cb-469f-a165-70867728950e failed at 12:00:01');
    const two = failure('a', 'request 7c9e6679-7425-40de-944b-e07fc1f90ae7 failed at 12:07:59');
    expect([one, new Error('attempt 2', { cause: two })].map((each) => repeated.failed(each))).toEqual([
      1, 2,
    ]);
    expect(sayTheSame('record 5 of this subtask', 'record 7 of this subtask')).toBe(true);
    expect(sayTheSame('cannot read x', 'cannot read y')).toBe(false);
  });

  test('is no matter of disks and connections: they name no record, and change no count', () => {
    const repeated = new RepeatedFailure();
    const disk = new ConnectorError('disk full', { operator: 'out', position: 'line 7' });
    expect(repeated.failed(failure('a'))).toBe(1);
    expect([disk, disk, disk, new Error('lost'), 'text'].map((each) => repeated.failed(each))).toEqual([
      0, 0, 0, 0, 0,
    ]);
    expect(repeated.failed(failure('a'))).toBe(2);
  });

  test('that is known by its content alone begins anew after a completed checkpoint', () => {
    const repeated = new RepeatedFailure();
    repeated.failed(failure('x', 'no', 'content'));
    repeated.progressed();
    expect(repeated.failed(failure('x', 'no', 'content'))).toBe(1);
    repeated.failed(failure('line 7'));
    repeated.progressed();
    expect(repeated.failed(failure('line 7'))).toBe(2);
  });
});

/** Replays a source with some records that always fail, under faults that hit anything at any time. */
function play(input: {
  readonly poison: ReadonlySet<number>;
  readonly records: number;
  readonly checkpointEvery: number;
  /** By attempt: the record at which a transient fault strikes, if it gets there. */
  readonly faults: readonly (number | null)[];
}): { readonly ended: 'failed' | 'finished' | 'running'; readonly why: string; readonly at: number } {
  const machine = new JobMachine(restartStrategy({ kind: 'fixedDelay', attempts: 10_000, delayMs: 1 }), {
    next: () => 0.5,
  });
  machine.step({ kind: 'start' });
  let done = 0;
  let last = -1;
  for (let attempt = 1; attempt <= input.faults.length + 10; attempt += 1) {
    machine.step({ kind: 'attemptBegun', attempt });
    const fault = input.faults[attempt - 1] ?? null;
    let error: unknown = null;
    for (let record = done; record < input.records && error === null; record += 1) {
      if (record === fault) error = failure(`line ${record}`, 'transient');
      else if (input.poison.has(record)) error = failure(`line ${record}`, 'poison');
      else if ((record + 1) % input.checkpointEvery === 0) {
        done = record + 1;
        machine.step({ kind: 'checkpointCompleted', attempt });
      }
      last = record;
    }
    if (error === null) return { ended: 'finished', why: '', at: last };
    machine.step({ kind: 'attemptFailed', attempt, error, nowMs: attempt });
    const [effect] = machine.step({ kind: 'attemptStopped', attempt });
    if (effect?.kind === 'fail') return { ended: 'failed', why: effect.why, at: last };
    machine.step({ kind: 'restartDue' });
  }
  return { ended: 'running', why: '', at: last };
}

describe('under faults at random moments', () => {
  const records = 40;
  const checkpointEvery = fc.integer({ min: 1, max: 12 });

  test('a job without a poison record never ends for one', () => {
    // The same fault at the same record three times in a row is what poison is; chance must not do that here.
    const faults = fc
      .array(fc.option(fc.integer({ min: 0, max: records - 1 })), { maxLength: 30 })
      .filter((all) =>
        all.every((each, at) => each === null || all[at + 1] !== each || all[at + 2] !== each),
      );
    fc.assert(
      fc.property(faults, checkpointEvery, (all, every) => {
        const end = play({ poison: new Set(), records, checkpointEvery: every, faults: all });
        expect(end.ended).toBe('finished');
      }),
    );
  });

  test('a poison record ends it, at that record, once the faults leave it alone', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: records - 1 }),
        fc.array(fc.option(fc.integer({ min: 0, max: records - 1 })), { maxLength: 10 }),
        checkpointEvery,
        (poison, faults, every) => {
          const end = play({ poison: new Set([poison]), records, checkpointEvery: every, faults });
          expect(end.ended).toBe('failed');
          expect(end.why).toBe(`${POISON_REPEATS_MAX} times in a row at the same record`);
        },
      ),
    );
  });
});
