// The oracles that hold of every actor app, each shown to go red on a small program that breaks it.

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import {
  actorScenario,
  fault,
  property,
  type SimulatedProgram,
  simulate,
  ViolationError,
} from '../../src/chaos/index.js';

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
  expect(message).toMatch(/^app: program is violated/);
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

/** The report of the failure that 20 seeds without faults show. */
async function complaintOf(program: SimulatedProgram): Promise<string> {
  const error: unknown = await simulate(program, PLAIN).then(
    () => null,
    (reason: unknown) => reason,
  );
  if (error instanceof ViolationError) return error.message;
  throw error ?? new Error('expected a violation, got none');
}
