// The plan of a scenario in real threads and real processes: nact, LMDB, files, signals.

import { existsSync, rmSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { fault, planOf, ViolationError } from '../../src/chaos/index.js';
import type { Plan } from '../../src/chaos/plan.js';
import { outputIn } from '../../src/chaos/real-places.js';
import { realPlan } from '../../src/chaos/real-plan.js';
import type { FaultSpec } from '../../src/chaos/scenario-options.js';
import { counting, lossy } from './fixtures/real-scenario.js';

const SEED = 3;

const plan = (...specs: readonly FaultSpec[]): Plan => planOf(specs, () => 0);

/** Kinds in the order in which they fired. The checks of the scenario have held, or `run` would have rejected. */
async function firedIn(mode: 'threads' | 'processes', faults: Plan) {
  const { outcome, notes } = await counting.run({ mode, plan: faults, seed: SEED });
  const lives = (outcome.trace?.events ?? []).filter(({ text }) => /^life \d+ begins$/.test(text)).length;
  return { fired: outcome.fired.map(({ kind }) => kind), lives, notes, counts: outcome.counts };
}

/** The report of a run that fails, and its files are removed. */
async function violationOf(run: Promise<unknown>): Promise<string> {
  const error = await run.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ViolationError)) throw error ?? new Error('the run has not failed');
  const [, directory = ''] = /The files of the run are kept in (\S+)\.$/m.exec(error.message) ?? [];
  expect(existsSync(outputIn(directory))).toBe(true);
  rmSync(directory, { recursive: true });
  return error.message;
}

describe('in a real thread every record comes out exactly once', () => {
  test('when actors throw and die; what the mode cannot do is noted', async () => {
    const { fired, lives, counts, notes } = await firedIn(
      'threads',
      plan(
        fault.store().full(),
        fault.seq(fault.actor('count').throws().atMessage(5), fault.actor('sink').crashes().at('ack.sent')),
      ),
    );
    expect(fired).toEqual(['actor.throw', 'actor.crash']);
    expect(lives).toBe(1);
    expect(counts.attempts).toBeGreaterThanOrEqual(3);
    expect(notes).toEqual([
      'not exercised: fault 0 (store.full of checkpoints), because it needs mode simulation',
    ]);
  });

  test('when the thread ends, its loop stands still, it runs out of memory, and an exception ends it', async () => {
    const { fired, lives, notes } = await firedIn(
      'threads',
      plan(
        fault.seq(
          fault.process().exitsThread().at('metadata.durable'),
          fault.process().stalls('50ms').at('restore.applied'),
          fault.process().exhaustsThread().at('ack.sent'),
          fault.process().uncaught().at('restore.applied'),
        ),
      ),
    );
    expect(fired).toEqual(['thread.exit', 'process.stall', 'thread.memory', 'process.uncaught']);
    expect(lives).toBe(4);
    expect(notes).toEqual([]);
  });
});

describe('in a real process every record comes out exactly once', () => {
  test('when it is killed as it acknowledges, and again when a checkpoint has just become durable', async () => {
    const { fired, lives, counts } = await firedIn(
      'processes',
      plan(fault.seq(fault.process().kills().at('ack.sent'), fault.process().kills().at('metadata.durable'))),
    );
    expect(fired).toEqual(['process.kill', 'process.kill']);
    expect(lives).toBe(3);
    // What was durable at the moment of the second kill is what the third life begins from.
    expect(counts.restores).toBeGreaterThan(0);
  });

  test('when it is paused, and when native code aborts it', async () => {
    const { fired, lives } = await firedIn(
      'processes',
      plan(
        fault.seq(
          fault.process().pauses('50ms').at('barrier.injected'),
          fault.process().aborts().at('snapshot.flushed'),
        ),
      ),
    );
    expect(fired).toEqual(['process.pause', 'process.abort']);
    expect(lives).toBe(2);
  });

  test('when a sync of the store fails, where strace may trace', async () => {
    const faults = plan(fault.store().rejectsVisible().nth(5), fault.actor('count').crashes().at('ack.sent'));
    const { fired, notes } = await firedIn('processes', faults);
    // Without strace the fault is in the notes instead, with the reason.
    expect([...fired, ...notes.map((note) => note.slice(0, 48))].sort()).toEqual(
      [
        'actor.crash',
        notes.length === 0 ? 'store.rejectVisible' : 'not exercised: fault 0 (store.rejectVisible of c',
      ].sort(),
    );
    if (notes.length > 0) expect(notes).toEqual([expect.stringContaining('strace')]);
  });
});

describe('what a mode cannot do', () => {
  test('takes with it what waits for it, and keeps the numbers of the whole plan', () => {
    const faults = plan(
      fault.seq(fault.store().full(), fault.actor('sink').throws()),
      fault.seq(fault.actor('count').throws(), fault.actor('count').crashes().at('ack.sent')),
    );
    const { plan: left, indices, notes } = realPlan(faults, 'processes');
    expect(indices).toEqual([2, 3]);
    expect(left.faults.map(({ after }) => after)).toEqual([undefined, 0]);
    expect(notes).toEqual([
      'not exercised: fault 0 (store.full of checkpoints), because it needs mode simulation',
      'not exercised: fault 1 (actor.throw of sink), because it waits for fault 0, which is not exercised',
    ]);
  });

  test('is an error when nothing is left', async () => {
    const run = counting.run({
      mode: 'threads',
      plan: plan(fault.process().kills(), fault.network('*').resets()),
    });
    await expect(run).rejects.toThrow(
      /Mode threads can carry out no fault of this plan: .*process\.kill.*network\.reset/,
    );
  });
});

describe('a real run that is not as it should be', () => {
  test('fails by the check that is violated, and keeps its files', async () => {
    const message = await violationOf(lossy.run({ mode: 'threads', seed: SEED }));
    expect(message).toContain('lossy: exactlyOnce (O1) is violated');
    expect(message).toContain('lost');
  });

  test('fails when a fault never fires', async () => {
    const faults = plan(fault.actor('count').throws().atMessage(1_000_000));
    const message = await violationOf(counting.run({ mode: 'threads', seed: SEED, plan: faults }));
    expect(message).toContain('Fault 0 (actor.throw of count, hit 1000000) never fired');
  });
});
