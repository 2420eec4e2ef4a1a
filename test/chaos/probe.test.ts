// Probes: actors in the hands of a test, that wait in virtual time.

import { expect, test } from 'vitest';
import type { ActorRef } from '../../actors/index.js';
import { type SimulatedProgram, simulate } from '../../src/chaos/index.js';

type Receipt = { readonly type: 'receipt'; readonly n: number } | { readonly type: 'refusal' };

interface Order {
  readonly amount: number;
  readonly to: ActorRef<Receipt>;
}

const PLAIN = { seeds: 3, swarm: false, shrink: false } as const;

test('a probe takes messages in order, and looks at the parts that it is told', async () => {
  const report = await simulate(async ({ system, probe }) => {
    const answers = probe<Receipt>();
    const till = system.spawn<Order>(() => ({
      onMessage: async ({ to, amount }) => {
        await to.send(amount > 0 ? { type: 'receipt', n: amount } : { type: 'refusal' });
      },
    }));
    for (const amount of [3, 0, 4]) await till.send({ amount, to: answers.ref });
    expect(await answers.expect({ type: 'receipt' }, { within: '1s' })).toEqual({ type: 'receipt', n: 3 });
    expect(await answers.next()).toEqual({ type: 'refusal' });
    await answers.expect({ type: 'receipt', n: 4 });
    expect(answers.waiting).toEqual([]);
    await answers.expectNothing('1s');
  }, PLAIN);
  expect(report.failures).toEqual([]);
});

test('what did not come in time is said, and costs no real time', async () => {
  expect(
    await complaintOf(({ probe }) =>
      probe<Receipt>().expect({ type: 'receipt' }, { within: '1min' }).then(done),
    ),
  ).toContain("Expected { type: 'receipt' } within 1min, and nothing came.");
  expect(await complaintOf(({ probe }) => probe<Receipt>().next().then(done))).toContain(
    'Expected a message within 3s, and nothing came.',
  );
});

test('another message than expected is shown beside what was expected', async () => {
  const complaint = await complaintOf(async ({ probe }) => {
    const answers = probe<Receipt>();
    await answers.ref.send({ type: 'receipt', n: 2 });
    await answers.expect({ type: 'receipt', n: 3 });
  });
  expect(complaint).toContain("Expected { type: 'receipt', n: 3 }, got { type: 'receipt', n: 2 }.");
});

test('a message that should not have come is shown', async () => {
  const complaint = await complaintOf(async ({ probe, clock }) => {
    const answers = probe<Receipt>();
    void clock.sleep(500).then(() => answers.ref.send({ type: 'refusal' }));
    await answers.expectNothing('1s');
  });
  expect(complaint).toContain("Expected no message within 1s, got { type: 'refusal' }.");
});

const done = (): void => undefined;

async function complaintOf(program: SimulatedProgram): Promise<string> {
  const error: unknown = await simulate(program, PLAIN).then(done, (reason: unknown) => reason);
  return String(error);
}
