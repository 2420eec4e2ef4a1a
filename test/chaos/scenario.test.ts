// A scenario of a job, as a user writes it: run, explore, and the two tables, on a job that counts.

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { check, fault, type JobScenario, scenario, ViolationError } from '../../src/chaos/index.js';
import { defineJob, type KeyedContext, KeyedProcessFunction, valueState } from '../../src/index.js';

interface Order {
  readonly id: number;
  readonly user: number;
}

interface Count extends Order {
  readonly orders: number;
}

type Counter = new () => KeyedProcessFunction<number, Order, Count>;

class Counts extends KeyedProcessFunction<number, Order, Count> {
  private readonly orders = valueState<number>('orders');

  override onElement(order: Order, context: KeyedContext<number, Count>): void {
    const orders = (this.orders.get() ?? 0) + 1;
    this.orders.set(orders);
    context.emit({ ...order, orders });
  }
}

/** Keeps its count where no checkpoint sees it. */
class Forgets extends KeyedProcessFunction<number, Order, Count> {
  private readonly orders = new Map<number, number>();

  override onElement(order: Order, context: KeyedContext<number, Count>): void {
    const orders = (this.orders.get(order.user) ?? 0) + 1;
    this.orders.set(order.user, orders);
    context.emit({ ...order, orders });
  }
}

function counting(counter: Counter): JobScenario {
  return scenario({
    name: 'counting',
    operators: ['count'],
    input: (gen) => gen.records(60, (id): Order => ({ id, user: gen.int(0, 3) })),
    app: ({ input, output }) =>
      defineJob('counting', (env) => {
        env
          .from(input, { uid: 'orders' })
          .keyBy((order) => order.user)
          .process(counter)
          .uid('count')
          .sinkTo(output, { uid: 'out' });
      }),
    faults: [fault.actor('count').throws().atMessage(40)],
    expect: [
      check.exactlyOnce<Count>((count) => count.id),
      check.orderedBy<Count>(
        (count) => count.user,
        (count) => count.orders,
      ),
      check.sometimes('recovered from a checkpoint'),
      check.drains('10min'),
    ],
  });
}

test('a job whose state is in its checkpoints passes run and explore', async () => {
  const counts = counting(Counts);
  const { outcome, failure } = await counts.run({ seed: 42 });
  expect(failure).toBeNull();
  expect(outcome.fired.map(({ kind }) => kind)).toEqual(['actor.throw']);
  const report = await counts.explore({ seeds: 20 });
  expect(report).toMatchObject({ seeds: 20, failures: [] });
  expect(report.counts.restores).toBeGreaterThan(0);
});

test('a job that keeps its state elsewhere is found, made small, and replayed with the same hash', async () => {
  const forgets = counting(Forgets);
  const error = await rejection(forgets.explore({ seeds: 40 }));
  const [failure] = error.failures;
  expect(failure?.violation.check).toBe('orderedBy');
  expect(failure?.minimal.plan.faults.length).toBeLessThanOrEqual(2);
  const again = await rejection(forgets.replay(failure?.token ?? ''));
  expect(again.failures[0]?.outcome.hash).toBe(failure?.outcome.hash);
});

test('every role may die at every step', async () => {
  const counts = counting(Counts);
  const report = await counts.everyStep({ kill: ['operator', 'coordinator', 'process'] });
  expect(report.failures).toEqual([]);
  expect(report.coverage).toBe(1);
});

test('a crash table finds what the job forgets', async () => {
  const error = await rejection(counting(Forgets).everyStep({ kill: ['operator'], failuresMax: 1 }));
  expect(error.message).toMatch(/^counting: orderedBy \(O3\) is violated/);
});

test('every write of the store may fail, once or for ever', async () => {
  const report = await counting(Counts).everyOperation({ port: 'store', error: 'EIO', operationsMax: 8 });
  expect(report.failures).toEqual([]);
  expect(report.rows.length).toBeGreaterThan(0);
});

test('a real file that a function of the job reads is reported, with the line and what to do', async () => {
  const reading = scenario({
    input: (gen) => gen.records(5, (id) => id),
    app: ({ input, output }) =>
      defineJob('reading', (env) => {
        env
          .from(input, { uid: 'in' })
          .map((id) => `${id} ${readFileSync('a file', 'utf8')}`)
          .sinkTo(output, { uid: 'out' });
      }),
    expect: [check.exactlyOnce<string>((line) => line)],
  });
  const { message } = await rejection(reading.run());
  expect(message).toMatch(/^scenario: O18 leak is violated/);
  expect(message).toMatch(/fs\.readFileSync was called by test\/chaos\/scenario\.test\.ts:\d+/);
  expect(message).toContain('or wrap the effect behind a port');
});

test('an operator that the job does not have is refused when the scenario is made', () => {
  const wrong = (): unknown =>
    scenario({
      operators: ['cuont'],
      input: (gen) => gen.records(1, (id) => id),
      app: ({ input, output }) =>
        defineJob('one', (env) => env.from(input, { uid: 'in' }).sinkTo(output, { uid: 'out' })),
      expect: [check.drains()],
    });
  expect(wrong).toThrow(/has no operator with the uid cuont/);
});

async function rejection(run: Promise<unknown>): Promise<ViolationError> {
  const error: unknown = await run.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (error instanceof ViolationError) return error;
  throw error ?? new Error('expected a violation, got none');
}
