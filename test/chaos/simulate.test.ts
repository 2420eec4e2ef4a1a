// Actor apps under test: what `simulate` gives a program, what it reports, and how a run is had again.

import { afterEach, expect, test, vi } from 'vitest';
import { type ActorRef, type ActorSetup, AskTimeoutError, type Reply } from '../../actors/index.js';
import {
  actorScenario,
  fault,
  property,
  type SimulatedProgram,
  simulate,
  ViolationError,
} from '../../src/chaos/index.js';

interface Charge {
  readonly amount: number;
  readonly reply: Reply<void>;
}

/** Charges an account; a client that asks again after a time-out is charged again. */
const chargedTwice: SimulatedProgram = async ({ system, clock, heal }) => {
  let charged = 0;
  const account: ActorSetup<Charge> = () => ({
    onMessage({ amount, reply }) {
      charged += amount;
      reply.resolve();
    },
  });
  const to = system.spawn(account, { name: 'account' });
  const ask = (): Promise<void> =>
    system
      .ask<Charge, void>(to, (reply) => ({ amount: 5, reply }), { timeoutMs: 100 })
      .catch((error) => {
        if (!(error instanceof AskTimeoutError)) throw error;
        return ask();
      });
  await ask();
  heal();
  await clock.sleep(60_000);
  if (charged !== 5) throw new Error(`${charged} charged instead of 5`);
};

const LATE = { swarm: { kinds: ['ask.late', 'link.delay', 'actor.slow'] } } as const;

afterEach(() => vi.unstubAllEnvs());

test('ten lines find a double charge, and make it one fault', async () => {
  const { failures, message } = await violation(simulate(chargedTwice, { seeds: 200, ...LATE }));
  expect(failures[0]?.minimal.plan.faults).toHaveLength(1);
  expect(failures[0]?.shrink?.result).toBe('minimal');
  expect(message).toMatch(/^app: program \(Error\) is violated, seed \d+\n {2}\d+ charged instead of 5\n/);
  expect(message).toContain('/account  message amount 5');
});

test('the last line of a report replays the run, with the same hash', async () => {
  const name = 'charges';
  const found = await violation(simulate(chargedTwice, { name, seeds: 200, ...LATE }));
  const token = found.failures[0]?.token ?? '';
  expect(found.message.split('\n').at(-1)).toBe(`Replay: CHAOS_REPLAY=${token} <the command that ran this>`);
  vi.stubEnv('CHAOS_REPLAY', token);
  // Without faults and with another seed: what fails now is what the token holds.
  const again = await violation(simulate(chargedTwice, { name, seeds: 1, swarm: false }));
  expect(again.failures[0]?.outcome.hash).toBe(found.failures[0]?.outcome.hash);
  expect(again.failures[0]?.token).toBe(token);
  // A token of another scenario does not concern this one.
  await simulate(chargedTwice, { name: 'other', seeds: 1, swarm: false });
});

test('a scenario that knows its file says how the shell replays it', async () => {
  vi.stubEnv('PWD', '/bank');
  const module = 'file:///bank/test/charges.chaos.ts';
  const scenario = actorScenario(chargedTwice, { name: 'double charge', module, ...LATE });
  const { message, failures } = await violation(scenario.explore({ seeds: 200 }));
  expect(message.split('\n').at(-1)).toBe(
    `Replay: npx weir chaos replay test/charges.chaos.ts --scenario 'double charge' ${failures[0]?.token}`,
  );
});

test('the kinds that a scenario names hold also where only the number of faults is said', async () => {
  const scenario = actorScenario(({ clock }) => clock.sleep(1_000), { swarm: { kinds: ['process.pause'] } });
  const { faultsFired } = await scenario.explore({ seeds: 30, swarm: { max: 2 } });
  expect([...faultsFired.keys()]).toEqual(['process.pause']);
});

test('planned faults hit actors by path and by name, and links by their ends', async () => {
  const relay =
    (to: ActorRef<string>): ActorSetup<string> =>
    () => ({ onMessage: (text) => to.send(text) });
  const program: SimulatedProgram = async ({ system, probe }) => {
    const end = probe<string>();
    const first = system.spawn(relay(end.ref), { name: 'relay', restart: 'permanent' });
    await first.send('lost');
    await first.send('twice');
    await end.next();
    await end.next();
  };
  const faults = [fault.actor('relay').throws().atMessage(1), fault.link('/relay', 'probe-1').duplicates()];
  const { outcome } = await actorScenario(program, { faults }).run();
  expect(outcome.fired.map(({ kind, hit }) => `${kind} ${hit}`)).toEqual([
    'actor.throw /relay',
    'link.duplicate /relay -> /probe-1',
  ]);
});

test('a message that is sent after an await is sent by the actor that awaited', async () => {
  const program: SimulatedProgram = async ({ system, probe }) => {
    const end = probe<string>();
    const oracle = system.spawn<{ readonly reply: Reply<string> }>(
      () => ({ onMessage: ({ reply }) => reply.resolve('yes') }),
      { name: 'oracle' },
    );
    const asker = system.spawn<string>(
      (context) => ({
        onMessage: async () => {
          await end.ref.send(
            await context.ask<{ readonly reply: Reply<string> }, string>(oracle, (reply) => ({ reply })),
          );
        },
      }),
      { name: 'asker' },
    );
    await asker.send('go');
    await end.next();
  };
  const { outcome } = await actorScenario(program, {
    faults: [fault.link('/asker', '/probe-1').delays()],
  }).run();
  expect(outcome.fired.map(({ hit }) => hit)).toEqual(['/asker -> /probe-1']);
});

test('simulations that are started together run one after another', async () => {
  const program: SimulatedProgram = async ({ clock }) => {
    property.always('time is virtual', clock.nowMs() === 0);
    await clock.sleep(1_000);
  };
  const reports = await Promise.all([1, 2, 3].map(() => simulate(program, { seeds: 3 })));
  expect(reports.map(({ seeds }) => seeds)).toEqual([3, 3, 3]);
});

test('no fault fires after heal', async () => {
  const program: SimulatedProgram = async ({ system, heal, clock }) => {
    const quiet = system.spawn<string>(() => ({ onMessage: () => undefined }), { name: 'quiet' });
    heal();
    await quiet.send('hello');
    await clock.sleep(1);
  };
  const run = actorScenario(program, { faults: [fault.actor('quiet').throws()] }).run();
  expect((await violation(run)).message).toContain('never fired');
});

async function violation(run: Promise<unknown>): Promise<ViolationError> {
  const error: unknown = await run.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (error instanceof ViolationError) return error;
  throw error ?? new Error('expected a violation, got none');
}
