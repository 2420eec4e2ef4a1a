// The oracles that hold of every actor app, each shown to go red on a small program that breaks it.

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { ActorContext, ActorSetup, Conservation } from '../../actors/kernel/actor.js';
import { ActorDoor } from '../../src/chaos/actor-door.js';
import { appNames } from '../../src/chaos/actor-names.js';
import { AppRun } from '../../src/chaos/app-run.js';
import { Arsenal } from '../../src/chaos/arsenal.js';
import {
  actorScenario,
  fault,
  property,
  type SimulatedProgram,
  simulate,
  ViolationError,
} from '../../src/chaos/index.js';
import { enterSimulation } from '../../src/chaos/inside.js';
import { LinkFaults } from '../../src/chaos/link-faults.js';
import { NO_FAULTS } from '../../src/chaos/plan.js';
import { virtualRuntime } from '../../src/testing/virtual-runtime.js';

const PLAIN = { seeds: 20, swarm: false } as const;

test('O7: a program that waits for a message that nobody sends is stuck', async () => {
  const message = await complaintOf(async ({ system }) => {
    const silent = system.spawn<string>(() => ({ onMessage: () => undefined }), { name: 'silent' });
    await silent.send('hello');
    await new Promise(() => undefined);
  });
  expect(message).toMatch(/^app: O7 liveness is violated/);
  expect(message).toContain('nothing is left to do, and the program still waits');
});

test('O7: a program that polls for ever does not end', async () => {
  const message = await complaintOf(async ({ clock }) => {
    for (;;) await clock.sleep(60_000);
  });
  expect(message).toMatch(/^app: O7 liveness/);
  expect(message).toContain('the program has not ended after 60 virtual minutes');
});

test('O11: an error outside of any actor is told', async () => {
  const message = await complaintOf(async ({ clock }) => {
    setTimeout(() => {
      throw new Error('nobody catches this');
    }, 5);
    await clock.sleep(10);
  });
  expect(message).toMatch(/^app: O11 uncaught/);
  expect(message).toContain('nobody catches this');
});

test('O11: a promise that nobody looks after is told, when it rejects', async () => {
  const message = await complaintOf(async ({ clock }) => {
    void clock.sleep(5).then(() => {
      throw new Error('nobody awaits this');
    });
    await clock.sleep(10);
  });
  expect(message).toMatch(/^app: O11 uncaught/);
  expect(message).toContain('nobody awaits this');
});

test('O18: a program that remembers its last run is another one the second time', async () => {
  let runs = 0;
  const message = await complaintOf(async ({ system, clock }) => {
    runs += 1;
    const actor = system.spawn<number>(() => ({ onMessage: () => undefined }));
    for (let n = 0; n < runs; n += 1) await actor.send(n);
    await clock.sleep(1);
  });
  expect(message).toMatch(/^app: O18 determinism is violated/);
  expect(message).toContain('state that outlives a run');
});

test('real time that was copied before the simulation is virtual all the same', async () => {
  const report = await simulate(async ({ clock }) => {
    const before = Date.now();
    await clock.sleep(86_400_000 / 48);
    const passed = Date.now() - before;
    if (passed !== 86_400_000 / 48) throw new Error(`${passed} ms have passed`);
    if (new Date(clock.wallMs()).getTime() !== Date.now()) throw new Error('another clock');
  }, PLAIN);
  expect(report.failures).toEqual([]);
});

test('O18: a real file is reported, with the line and what to do', async () => {
  const message = await complaintOf(async ({ system, clock }) => {
    const reader = system.spawn<string>(() => ({
      onMessage: (path) => {
        readFileSync(path);
      },
    }));
    await reader.send('a file');
    await clock.sleep(1);
  });
  expect(message).toMatch(/^app: O18 leak is violated/);
  expect(message).toMatch(/fs\.readFileSync was called by test\/chaos\/app-oracles\.test\.ts:\d+/);
});

test('what a user asserts is a violation with the words of the assertion', async () => {
  const message = await complaintOf(() => {
    expect([1, 2]).toEqual([1, 3]);
  });
  expect(message).toMatch(/^app: program \(AssertionError\) is violated/);
});

test('O16: a fault that never fires fails the run, and says what came nearest', async () => {
  const scenario = actorScenario(
    async ({ system }) => {
      const till = system.spawn<string>(() => ({ onMessage: () => undefined }), { name: 'till' });
      for (let n = 0; n < 3; n += 1) await till.send('pay');
    },
    { faults: [fault.actor('/till').throws().atMessage(7)] },
  );
  const error = await scenario.run().then(() => null, String);
  expect(error).toContain('Fault 0 (actor.throw of /till, hit 7) never fired');
  expect(error).toContain('3');
});

test('a property that never holds fails the exploration, and one that is broken fails its run', async () => {
  const never: SimulatedProgram = ({ seed }) => property.sometimes('seed is negative', seed < 0);
  expect(await complaintOf(never)).toMatch(/"seed is negative" held in none of 20 seeds/);
  const broken: SimulatedProgram = ({ seed }) => property.always('seed is small', seed < 7, { seed });
  const message = await complaintOf(broken);
  expect(message).toMatch(/^app: always seed is small is violated, seed 7/);
  expect(message).toContain('counterexample: seed=7');
});

/** One run of a program, in a system that has been broken. */
async function brokenRun(
  program: SimulatedProgram,
  damage: (run: AppRun) => void,
): Promise<readonly string[]> {
  const app = { name: 'broken', program, system: {} };
  const run = new AppRun(app, { seed: 1, plan: NO_FAULTS, knobs: {}, choices: [], trace: false });
  damage(run);
  const leave = enterSimulation();
  try {
    await run.toTheEnd();
  } finally {
    leave();
  }
  return run.violations.map(({ check, message }) => `${check}: ${message}`);
}

const talk: SimulatedProgram = async ({ system, clock }) => {
  const slow = system.spawn<number>(() => ({ onMessage: () => clock.sleep(5) }), { name: 'slow' });
  for (let n = 0; n < 3; n += 1) await slow.send(n);
  await clock.sleep(100);
};

test('a system that is not broken gives the oracles nothing to say', async () => {
  expect(await brokenRun(talk, () => undefined)).toEqual([]);
});

test('O9: two handlers of one actor at once', async () => {
  const seen: string[] = [];
  const names = appNames();
  const arsenal = new Arsenal({
    plan: NO_FAULTS,
    seed: 1,
    nowMs: () => 0,
    step: () => 0,
    predicate: () => false,
    onFired: () => undefined,
  });
  const timers = () => virtualRuntime({ seed: 1 }).timers;
  const door = new ActorDoor({
    arsenal,
    names,
    timers,
    links: new LinkFaults({ arsenal, names, timers, nowMs: () => 0, apps: 'actors' }),
    crashSoon: () => undefined,
    onMessage: () => undefined,
    onLife: () => undefined,
    onBrokenRule: (message) => seen.push(message),
    freezes: 'nothing',
  });
  const setup: ActorSetup<unknown> = () => ({ onMessage: () => new Promise(() => undefined) });
  const watched = await door.spawning('/till', { setup, options: {} }).setup({} as ActorContext<unknown>);
  // A kernel that lost count would call the handler again while its promise is open.
  void watched.onMessage(1);
  expect(seen).toEqual([]);
  void watched.onMessage(2);
  expect(seen).toEqual(['two handlers of /till run at once']);
});

test('O12: a message that nobody accounts for', async () => {
  const violations = await brokenRun(talk, ({ system }) => {
    const { conservation } = system;
    const lossy = (): Conservation => {
      const counted = conservation.call(system);
      return { ...counted, handled: counted.handled - 1 };
    };
    Object.assign(system, { conservation: lossy });
  });
  expect(violations).toEqual([
    'O12 conservation: 3 messages sent, but 2 handled + 0 dead + 0 dropped + 0 queued',
  ]);
});

test('O14: an actor that outlives the shutdown', async () => {
  const violations = await brokenRun(talk, ({ system }) => {
    Object.assign(system, { shutdown: () => Promise.resolve() });
  });
  expect(violations).toEqual(['O14 cleanup: left over after the shutdown: /slow']);
});

/** The report of the failure that 20 seeds without faults show. */
async function complaintOf(program: SimulatedProgram): Promise<string> {
  const error: unknown = await simulate(program, PLAIN).then(
    () => null,
    (reason: unknown) => reason,
  );
  if (error instanceof ViolationError) return error.message;
  throw error ?? new Error('expected a violation, got none');
}
