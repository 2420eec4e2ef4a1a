// Faults that need each other: they overlap in time, and what they leave behind is noticed.

import { expect, test } from 'vitest';
import { subjectOf } from '../../bench/simulate/shape.js';
import { SHAPES } from '../../bench/simulate/shapes.js';
import { present } from '../../src/base/assert.js';
import { nodeRuntime } from '../../src/base/node-runtime.js';
import { appNames } from '../../src/chaos/actor-names.js';
import { Arsenal } from '../../src/chaos/arsenal.js';
import type { FiredFault, RunSpec } from '../../src/chaos/execution.js';
import { runOnce } from '../../src/chaos/explore.js';
import { JobWatch } from '../../src/chaos/job-watch.js';
import { OpenConnectors } from '../../src/chaos/open-connectors.js';
import type { PlannedFault } from '../../src/chaos/plan.js';
import { type WorldActions, WorldFaults } from '../../src/chaos/world-faults.js';

const subject = subjectOf(
  present(
    SHAPES.find(({ name }) => name === 'count'),
    'a shape that counts',
  ),
);

/** Without violations. */
async function fired(
  faults: readonly PlannedFault[],
  knobs: RunSpec['knobs'],
): Promise<readonly FiredFault[]> {
  const spec: RunSpec = { seed: 3, plan: { version: 1, faults }, knobs, choices: null, trace: false };
  const { outcome } = await runOnce(subject, spec);
  expect(outcome.violations).toEqual([]);
  return outcome.fired;
}

/** A world in which nobody is hit by anything but a pause. */
class RecordingWorld implements WorldActions {
  readonly looks: { readonly ms: number; readonly look: () => void }[] = [];
  readonly pausedMs: number[] = [];

  later(ms: number, look: () => void): void {
    this.looks.push({ ms, look });
  }

  pause(ms: number): string {
    this.pausedMs.push(ms);
    return 'process';
  }

  readonly crashActor = nobody;
  readonly stopActor = nobody;
  readonly kill = nobody;
  readonly zombie = nobody;
  readonly jumpClock = nobody;
  readonly driftClock = nobody;
  readonly savepoint = nobody;
  readonly stopJob = nobody;
  readonly flipBit = nobody;
  readonly revertStore = nobody;
  readonly openTwice = nobody;
}

function nobody(): null {
  return null;
}

test('what is to happen during a fault does not wait for the next protocol step', () => {
  const world = new RecordingWorld();
  const during: PlannedFault[] = [
    { kind: 'store.rejectWritten', target: '*', trigger: { kind: 'nth', n: 1 } },
    { kind: 'process.pause', target: '*', trigger: { kind: 'during', fault: 0 }, parameters: { ms: 500 } },
    { kind: 'process.pause', target: '*', trigger: { kind: 'nth', n: 1 } },
  ];
  const arsenal = new Arsenal({
    plan: { version: 1, faults: during },
    seed: 1,
    nowMs: () => 100,
    step: () => 0,
    predicate: () => false,
    onFired: ({ fault }) => faults.fired(fault),
  });
  const faults = new WorldFaults(arsenal, appNames(), world);
  arsenal.strike('store.rejectWritten', () => true, 'commit');
  expect(world.looks).toHaveLength(1);
  expect(world.looks[0]?.ms).toBeLessThan(20);
  expect(world.pausedMs).toEqual([]);
  world.looks[0]?.look();
  expect(world.pausedMs).toEqual([500]);
});

test('a slow commit keeps newer transactions waiting, and a stuck one ends by a restart: every result comes once', async () => {
  const commits: PlannedFault[] = [
    { kind: 'sink.commitSlow', target: '*', trigger: { kind: 'nth', n: 2 }, parameters: { ms: 300 } },
    { kind: 'sink.commitStuck', target: '*', trigger: { kind: 'nth', n: 4 } },
  ];
  const kinds = (await fired(commits, { parallelism: 1, records: 120, gapUs: 600 })).map(({ kind }) => kind);
  expect(kinds).toEqual(['sink.commitSlow', 'sink.commitStuck']);
});

test('a replaced process that begins another attempt is noticed, however late it tells', () => {
  const watch = new JobWatch();
  watch.attemptOf(1, 1);
  watch.attemptOf(3, 3);
  // It began before it was replaced, and tells of it only now.
  watch.attemptOf(1, 2);
  expect(watch.violations).toEqual([]);
  watch.attemptOf(1, 4);
  expect(watch.violations).toMatchObject([{ oracle: 'O6', check: 'O6 fencing' }]);
});

test('connectors are open until they are closed, or their process is gone', () => {
  const connectors = new OpenConnectors();
  const [mine, other] = [nodeRuntime(), nodeRuntime()];
  const [reader, writer, gone] = [{}, {}, {}];
  connectors.opened(reader, 'reader', mine);
  connectors.opened(writer, 'writer', mine);
  connectors.opened(gone, 'writer of a dead process', other);
  connectors.closed(reader);
  expect(connectors.of(mine)).toEqual(['writer']);
});
