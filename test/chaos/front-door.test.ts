// What the compiler refuses at the front door: wrong names of operators, wrong steps, wrong checks.

import { expect, test } from 'vitest';
import {
  actorScenario,
  check,
  type FaultSpec,
  fault,
  type JobScenario,
  scenario,
} from '../../src/chaos/index.js';
import { defineJob } from '../../src/index.js';

interface Order {
  readonly id: number;
}

/** A scenario with these faults; its job has one operator with a uid, `enrich`. */
function withFaults<const N extends string>(
  operators: readonly N[],
  faults: readonly FaultSpec<NoInfer<N> | 'sink' | 'coordinator'>[],
): JobScenario {
  return scenario({
    operators,
    input: (gen) => gen.records(3, (id): Order => ({ id })),
    app: ({ input, output }) =>
      defineJob('orders', (env) => {
        env
          .from(input, { uid: 'orders' })
          .map((order): Order => order)
          .uid('enrich')
          .sinkTo(output, { uid: 'out' });
      }),
    faults,
    expect: [check.exactlyOnce<Order>((order) => order.id)],
  });
}

test('operators and roles are accepted, other names are not', () => {
  expect(withFaults(['enrich'], [fault.actor('enrich').throws(), fault.kill('sink')]).name).toBe('scenario');
  // @ts-expect-error a typing error in the name of an operator
  const wrong = () => withFaults(['enrich'], [fault.actor('enrihc').throws()]);
  expect(wrong).toBeTypeOf('function');
});

test('steps of the protocol are accepted, other steps are not', () => {
  const right = fault.kill('coordinator').at('metadata.durable');
  expect(withFaults(['enrich'], [right]).name).toBe('scenario');
  // @ts-expect-error there is no such step
  expect(() => fault.kill('coordinator').at('metadata.durabel')).toThrow(/expected one of/);
});

test('checks read what the job emits', () => {
  const wrong = () =>
    scenario({
      input: (gen) => gen.records(3, (id): Order => ({ id })),
      app: ({ input, output }) =>
        defineJob('orders', (env) => env.from(input, { uid: 'in' }).sinkTo(output, { uid: 'out' })),
      // @ts-expect-error results have no customer
      expect: [check.exactlyOnce<Order>((order) => order.customer)],
    });
  expect(wrong).toBeTypeOf('function');
});

test('a program of actors needs nothing but a function', () => {
  expect(actorScenario(() => undefined).name).toBe('app');
  // @ts-expect-error kinds of faults are known by name
  expect(actorScenario(() => undefined, { swarm: { kinds: ['link.dealy'] } }).name).toBe('app');
});
