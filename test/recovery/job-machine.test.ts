// The life of a job over its attempts: semantics 5.20, 5.21, 5.30 to 5.34.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RestoreError } from '../../src/base/errors.js';
import { FAILURE_HISTORY_MAX } from '../../src/base/limits.js';
import { StopFailedError } from '../../src/checkpoint/stop-failed-error.js';
import { type JobEffect, type JobInput, JobMachine } from '../../src/recovery/job-machine.js';
import { type RestartOptions, restartStrategy } from '../../src/recovery/restart-strategy.js';

const FOREVER: RestartOptions = { kind: 'fixedDelay', attempts: 1_000_000, delayMs: 50 };
const ONCE: RestartOptions = { kind: 'fixedDelay', attempts: 1, delayMs: 50 };

function job(options: RestartOptions = FOREVER): JobMachine {
  return new JobMachine(restartStrategy(options), { next: () => 0.5 });
}

function running(options?: RestartOptions): JobMachine {
  const machine = job(options);
  machine.step({ kind: 'start' });
  machine.step({ kind: 'attemptBegun', attempt: 1 });
  return machine;
}

function fail(machine: JobMachine, attempt: number, error: unknown = new Error(`failure of ${attempt}`)) {
  return machine.step({ kind: 'attemptFailed', attempt, error, nowMs: attempt * 1000 });
}

/** From a failure of the attempt to the beginning of the next. */
function restart(machine: JobMachine, attempt: number): void {
  fail(machine, attempt);
  machine.step({ kind: 'attemptStopped', attempt });
  machine.step({ kind: 'restartDue' });
  machine.step({ kind: 'attemptBegun', attempt: attempt + 1 });
}

describe('a job', () => {
  test('runs and finishes', () => {
    const machine = job();
    expect(machine.state).toBe('CREATED');
    expect(machine.step({ kind: 'start' })).toEqual([{ kind: 'beginAttempt' }]);
    expect(machine.step({ kind: 'attemptBegun', attempt: 1 })).toEqual([]);
    expect(machine.state).toBe('RUNNING');
    expect(machine.step({ kind: 'attemptDone', attempt: 1, end: 'FINISHED' })).toEqual([
      { kind: 'stopAttempt', attempt: 1 },
    ]);
    expect(machine.step({ kind: 'attemptStopped', attempt: 1 })).toEqual([
      { kind: 'end', state: 'FINISHED' },
    ]);
    expect(machine.state).toBe('FINISHED');
  });

  test('that was stopped is suspended', () => {
    const machine = running();
    machine.step({ kind: 'attemptDone', attempt: 1, end: 'SUSPENDED' });
    expect(machine.step({ kind: 'attemptStopped', attempt: 1 })).toEqual([
      { kind: 'end', state: 'SUSPENDED' },
    ]);
  });

  test('restarts only after the failed attempt has stopped whole and the delay has passed (5.32)', () => {
    const machine = running();
    expect(fail(machine, 1)).toEqual([{ kind: 'stopAttempt', attempt: 1 }]);
    expect(machine.state).toBe('RESTARTING');
    expect(machine.step({ kind: 'restartDue' })).toEqual([]);
    expect(machine.step({ kind: 'attemptStopped', attempt: 1 })).toEqual([
      { kind: 'scheduleRestart', delayMs: 50 },
    ]);
    expect(machine.step({ kind: 'restartDue' })).toEqual([{ kind: 'beginAttempt' }]);
    machine.step({ kind: 'attemptBegun', attempt: 2 });
    expect(machine).toMatchObject({ state: 'RUNNING', attempt: 2, restarts: 1 });
  });

  test('fails for good when its strategy gives up, with the last failure and the earlier ones (5.33)', () => {
    const machine = running(ONCE);
    const [first, second] = [new Error('first'), new Error('second')];
    fail(machine, 1, first);
    machine.step({ kind: 'attemptStopped', attempt: 1 });
    machine.step({ kind: 'restartDue' });
    machine.step({ kind: 'attemptBegun', attempt: 2 });
    fail(machine, 2, second);
    expect(machine.state).toBe('FAILING');
    expect(machine.step({ kind: 'attemptStopped', attempt: 2 })).toEqual([
      {
        kind: 'fail',
        error: second,
        suppressed: [first],
        why: 'it has been restarted 1 times, as often as its strategy allows',
      },
    ]);
    expect(machine.state).toBe('FAILED');
  });

  test('does not restart when the error says that it cannot help (5.34)', () => {
    const machine = running();
    const error = new Error('wrapped', { cause: new RestoreError('does not fit') });
    fail(machine, 1, error);
    expect(machine.step({ kind: 'attemptStopped', attempt: 1 })).toMatchObject([
      { kind: 'fail', error, why: 'a restart cannot help' },
    ]);
  });

  test('whose attempt cannot begin goes by the same rules', () => {
    const machine = job(ONCE);
    machine.step({ kind: 'start' });
    const busy = machine.step({ kind: 'beginFailed', error: new Error('disk busy'), nowMs: 1 });
    expect(busy).toEqual([{ kind: 'scheduleRestart', delayMs: 50 }]);
    expect(machine.step({ kind: 'restartDue' })).toEqual([{ kind: 'beginAttempt' }]);
    const refused = machine.step({ kind: 'beginFailed', error: new RestoreError('newer format'), nowMs: 2 });
    expect(refused).toMatchObject([{ kind: 'fail', why: 'a restart cannot help' }]);
  });

  test('goes on after a stop that failed, whatever its strategy (5.20)', () => {
    const machine = running({ kind: 'none' });
    fail(machine, 1, new Error('coordinator failed', { cause: new StopFailedError(new Error('not empty')) }));
    expect(machine.step({ kind: 'attemptStopped', attempt: 1 })).toEqual([
      { kind: 'scheduleRestart', delayMs: 0 },
    ]);
    machine.step({ kind: 'restartDue' });
    machine.step({ kind: 'attemptBegun', attempt: 2 });
    fail(machine, 2);
    expect(machine.step({ kind: 'attemptStopped', attempt: 2 })).toMatchObject([{ kind: 'fail' }]);
  });
});

describe('failures', () => {
  test('of an attempt that is being stopped, or waited for, are its echo: suppressed, not counted (5.30, 5.33)', () => {
    const machine = running(ONCE);
    const [root, echo, late] = [new Error('root'), new Error('echo'), new Error('late')];
    fail(machine, 1, root);
    expect(fail(machine, 1, echo)).toEqual([]);
    machine.step({ kind: 'attemptStopped', attempt: 1 });
    expect(fail(machine, 1, late)).toEqual([]);
    expect(machine.failures).toMatchObject([{ attempt: 1, error: root, suppressed: [echo, late] }]);
    machine.step({ kind: 'restartDue' });
    machine.step({ kind: 'attemptBegun', attempt: 2 });
    expect(machine.state).toBe('RUNNING');
  });

  test('of older attempts are ignored (5.32)', () => {
    const machine = running();
    restart(machine, 1);
    expect(fail(machine, 1)).toEqual([]);
    expect(machine.step({ kind: 'attemptStopped', attempt: 1 })).toEqual([]);
    expect(machine.step({ kind: 'attemptDone', attempt: 1, end: 'FINISHED' })).toEqual([]);
    expect(machine).toMatchObject({ state: 'RUNNING', attempt: 2 });
  });

  test('are remembered up to a limit', () => {
    const machine = running();
    for (let attempt = 1; attempt <= 40; attempt += 1) restart(machine, attempt);
    expect(machine.failures).toHaveLength(FAILURE_HISTORY_MAX);
    expect(machine.failures.at(-1)).toMatchObject({ attempt: 40 });
    for (let echo = 0; echo < 40; echo += 1) fail(machine, 41);
    expect(machine.failures.at(-1)?.suppressed).toHaveLength(FAILURE_HISTORY_MAX);
    expect(machine.failures.at(-1)?.suppressedCount).toBe(39);
  });
});

describe('a cancel (5.21)', () => {
  test('stops the attempt and ends the job', () => {
    const machine = running();
    expect(machine.step({ kind: 'cancel' })).toEqual([{ kind: 'stopAttempt', attempt: 1 }]);
    expect(machine.state).toBe('CANCELLING');
    expect(fail(machine, 1)).toEqual([]);
    expect(machine.step({ kind: 'attemptStopped', attempt: 1 })).toEqual([
      { kind: 'end', state: 'CANCELED' },
    ]);
  });

  test('ends a job that waits for its restart, or has not started, at once', () => {
    const machine = running();
    fail(machine, 1);
    machine.step({ kind: 'attemptStopped', attempt: 1 });
    expect(machine.step({ kind: 'cancel' })).toEqual([{ kind: 'end', state: 'CANCELED' }]);
    expect(machine.step({ kind: 'restartDue' })).toEqual([]);
    expect(job().step({ kind: 'cancel' })).toEqual([{ kind: 'end', state: 'CANCELED' }]);
  });

  test('wins over a restart and over a failure that is under way', () => {
    for (const options of [FOREVER, { kind: 'none' } as const]) {
      const machine = running(options);
      fail(machine, 1);
      expect(machine.step({ kind: 'cancel' })).toEqual([]);
      expect(machine.state).toBe('CANCELLING');
      expect(machine.step({ kind: 'attemptStopped', attempt: 1 })).toEqual([
        { kind: 'end', state: 'CANCELED' },
      ]);
    }
  });

  test('loses against an end that has been reached', () => {
    const machine = running();
    machine.step({ kind: 'attemptDone', attempt: 1, end: 'FINISHED' });
    machine.step({ kind: 'cancel' });
    expect(machine.step({ kind: 'attemptStopped', attempt: 1 })).toEqual([
      { kind: 'end', state: 'FINISHED' },
    ]);
  });

  test('while an attempt begins takes effect as soon as it has begun, or has failed to', () => {
    for (const answer of [
      { kind: 'attemptBegun', attempt: 1 },
      { kind: 'beginFailed', error: new Error('no'), nowMs: 0 },
    ] as const) {
      const machine = job();
      machine.step({ kind: 'start' });
      expect(machine.step({ kind: 'cancel' })).toEqual([]);
      expect(machine.state).toBe('CANCELLING');
      machine.step(answer);
      machine.step({ kind: 'attemptStopped', attempt: 1 });
      expect(machine.state).toBe('CANCELED');
    }
  });
});

test('at most one attempt lives, ends are final, and every answer that was asked for is waited for', () => {
  const inputs = fc.constantFrom<(attempt: number) => JobInput>(
    (attempt) => ({ kind: 'attemptFailed', attempt, error: new Error('x'), nowMs: 0 }),
    (attempt) => ({ kind: 'attemptFailed', attempt: attempt - 1, error: new Error('old'), nowMs: 0 }),
    (attempt) => ({ kind: 'attemptStopped', attempt: attempt - 1 }),
    (attempt) => ({ kind: 'attemptDone', attempt, end: 'FINISHED' }),
    () => ({ kind: 'cancel' }),
  );
  const step = fc.oneof({ weight: 3, arbitrary: fc.constant('answer') }, { weight: 2, arbitrary: inputs });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const machine = job({ kind: 'fixedDelay', attempts: 5, delayMs: 1 });
      let alive = 0;
      let attempt = 0;
      let ended = false;
      const asked: JobInput[] = [];
      const take = (effects: readonly JobEffect[]): void => {
        for (const effect of effects) {
          expect(ended).toBe(false);
          if (effect.kind === 'beginAttempt') {
            expect(alive).toBe(0);
            attempt += 1;
            alive += 1;
            asked.push({ kind: 'attemptBegun', attempt });
          }
          if (effect.kind === 'stopAttempt') asked.push({ kind: 'attemptStopped', attempt: effect.attempt });
          if (effect.kind === 'scheduleRestart') asked.push({ kind: 'restartDue' });
          if (effect.kind === 'end' || effect.kind === 'fail') {
            expect(alive).toBe(0);
            ended = true;
          }
        }
      };
      take(machine.step({ kind: 'start' }));
      const answer = (): void => {
        const input = asked.shift();
        if (input === undefined) return;
        if (input.kind === 'attemptStopped') alive -= 1;
        take(machine.step(input));
      };
      for (const next of steps) {
        if (typeof next === 'string') answer();
        else take(machine.step(next(attempt)));
      }
      take(machine.step({ kind: 'cancel' }));
      for (let left = 0; left < 10; left += 1) answer();
      expect(ended).toBe(true);
    }),
    { numRuns: 500 },
  );
});
