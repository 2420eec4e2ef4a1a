// What a simulated run of a job has shown: the verdict of the oracles and of the scenario's own checks.
//
// Owns:    judging a run that is over.
// Not:     what was noticed in the act (job-watch.ts), restoring a cut alone (job-subject.ts).
//
// V1. A run that a fault was allowed to end may lack results; it may never have a wrong one, or one twice (O11).
// V2. An end that no fault excuses is a violation, and so is standing still, always (O7).

import { JobFailedError, WeirError } from '../base/errors.js';
import { leftOver as actorsLeftOver } from './actor-tree.js';
import type { Violation } from './execution.js';
import { causesOf, InjectedFault } from './injected.js';
import { describeError, type JobEnd } from './job-end.js';
import type { JobRun } from './job-run.js';
import type { CommittedResult, FinishedRun } from './scenario-options.js';

export interface Verdict {
  readonly violations: readonly Violation[];
  readonly checked: number;
}

export function verdictOf<T, R>(run: JobRun<T, R>, faultFree: readonly CommittedResult<R>[] | null): Verdict {
  const leak = run.leakError();
  if (leak !== null) {
    return {
      violations: [{ check: 'O18 leak', oracle: 'O18', message: leak.message, example: [] }],
      checked: 0,
    };
  }
  const found: Violation[] = [...run.watch.violations, ...endings(run)];
  const evaluated = run.program.evaluate(finishedRun(run, faultFree));
  found.push(...evaluated.violations);
  if (run.end.kind === 'finished') found.push(...cleanup(run), ...conservation(run), ...credits(run));
  if (run.zombies.length === 0 && !run.storeDamaged) found.push(...oddities(run.output.oddities));
  return { violations: found, checked: evaluated.checked };
}

export function finishedRun<T, R>(
  run: JobRun<T, R>,
  faultFree: readonly CommittedResult<R>[] | null,
): FinishedRun<R> {
  return {
    results: run.results,
    faultFree,
    input: run.records.values,
    finished: run.end.kind === 'finished',
    error: run.end.kind === 'failed' ? run.end.error : null,
    plan: run.spec.plan,
    counts: {
      steps: run.machine.steps,
      virtualMs: run.machine.nowMs,
      checkpoints: run.watch.checkpoints,
      restores: run.watch.restores,
      attempts: run.watch.attempt,
      checked: 0,
    },
    healMs: run.machine.nowMs - run.lastFaultMs,
  };
}

function endings<T, R>(run: JobRun<T, R>): Violation[] {
  const found: Violation[] = [];
  for (const end of run.earlierEnds) found.push(...loudness(end, run));
  const { end } = run;
  if (end.kind === 'finished') return found;
  if (end.kind === 'stuck') return [...found, liveness(end.reason)];
  found.push(...loudness(end, run));
  const why = describeError(end.error);
  if (!run.mayEnd()) found.push(liveness(`the job failed, although its faults are to be masked: ${why}`));
  else if (!run.storeDamaged)
    found.push(liveness(`the job cannot go on, although its faults are gone: ${why}`));
  return found;
}

/** O11: whoever stops says so, with an error that has a code. */
function loudness<T, R>(end: JobEnd, run: JobRun<T, R>): Violation[] {
  if (end.kind === 'stuck') return [liveness(end.reason)];
  if (end.kind === 'finished') return [];
  if (end.error instanceof JobFailedError && causesOf(end.error).length < 2) {
    const message = `the job failed, and its error has no cause: ${end.error.message}`;
    return [{ check: 'O15 trace', oracle: 'O15', message, example: [] }];
  }
  if (end.error instanceof WeirError || end.error instanceof InjectedFault) return [];
  const message = `the job ended with an error without a code: ${describeError(end.error)}`;
  return [{ check: 'O11 fail-stop', oracle: 'O11', message, example: [`process ${run.processes}`] }];
}

function liveness(message: string): Violation {
  return { check: 'O7 liveness', oracle: 'O7', message, example: [] };
}

/** O14: nothing is left behind. */
function cleanup<T, R>(run: JobRun<T, R>): Violation[] {
  const { machine, handle, output } = run;
  const found: Violation[] = [];
  const leftOver = (what: string, example: readonly string[]): void => {
    found.push({ check: 'O14 cleanup', oracle: 'O14', message: `left over: ${what}`, example });
  };
  if (machine.pendingTimers > 0) leftOver(`${machine.pendingTimers} timers`, []);
  if (machine.openFiles > 0 && !run.arsenal.has('actor.hang'))
    leftOver(`${machine.openFiles} open files`, []);
  const held = machine.stores.all().filter(({ image }) => image.holder?.isAlive() === true);
  if (held.length > 0 && run.zombies.length === 0 && !run.arsenal.has('store.hang', 'store.hangWritten'))
    leftOver(
      `${held.length} open stores`,
      held.map(({ directory }) => directory),
    );
  const connectors = run.connectors.of(machine);
  // Nothing is closed under code that still runs, and the handler of this fault runs for ever.
  if (connectors.length > 0 && !run.arsenal.has('actor.hang'))
    leftOver(`${connectors.length} open connectors`, connectors.slice(0, 3));
  const living = handle === null ? [] : actorsLeftOver(handle.actors());
  if (living.length > 0) leftOver(`${living.length} actors`, living.slice(0, 3));
  const odd = run.program.onDisk?.oddities?.(machine.disk) ?? [];
  if (odd.length > 0 && run.zombies.length === 0) leftOver(`${odd.length} files`, odd.slice(0, 3));
  const dangling = output.dangling();
  if (dangling.length > 0 && run.zombies.length === 0)
    leftOver(
      `${dangling.length} transactions`,
      dangling.slice(0, 3).map(({ name }) => name),
    );
  return found;
}

/** O8: a channel is at its end as wide as at its beginning, unless a fault took messages from it. */
function credits<T, R>(run: JobRun<T, R>): Violation[] {
  if (run.arsenal.fired.some(({ kind }) => /^(link|barrier)/.test(kind))) return [];
  const [problem, ...others] = run.lostCredits();
  if (problem === undefined) return [];
  return [{ check: 'O8 credits', oracle: 'O8', message: problem, example: others.slice(0, 2) }];
}

/** O12: every message is accounted for. */
function conservation<T, R>({ handle }: JobRun<T, R>): Violation[] {
  if (handle === null) return [];
  const { sent, handled, deadLettered, dropped, queued } = handle.system.conservation();
  if (sent === handled + deadLettered + dropped + queued) return [];
  const sum = `${handled} handled + ${deadLettered} dead + ${dropped} dropped + ${queued} queued`;
  return [
    { check: 'O12 conservation', oracle: 'O12', message: `${sent} messages sent, but ${sum}`, example: [] },
  ];
}

function oddities(texts: readonly string[]): Violation[] {
  return texts.slice(0, 1).map((message) => ({
    check: 'O3 commits',
    oracle: 'O3',
    message,
    example: [],
  }));
}
