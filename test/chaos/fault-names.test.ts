// What the compiler knows about faults: the names of a scenario and the steps of the protocol. Nothing is run.

import { describe, expectTypeOf, test } from 'vitest';
import { fault } from '../../src/chaos/fault.js';
import type { FaultSpec, JobScenarioOptions } from '../../src/chaos/scenario-options.js';

/** As `scenario` takes its options: names from `operators`, faults checked against them. */
function accept<const N extends string = never>(
  options: Pick<JobScenarioOptions<unknown, unknown, N>, 'operators' | 'faults'>,
): void {
  expectTypeOf(options).toBeObject();
}

describe('names', () => {
  test('of faults are literal types', () => {
    expectTypeOf(fault.actor('enrich').throws().atMessage(7)).toExtend<FaultSpec<'enrich'>>();
    expectTypeOf(fault.actor('enrich').throws().for('1s').nth(1)).not.toExtend<FaultSpec<'other'>>();
    expectTypeOf(fault.actor('*').throws()).toExtend<FaultSpec<never>>();
    expectTypeOf(fault.actor('/till').throws()).toExtend<FaultSpec<never>>();
    expectTypeOf(fault.link('a', '*').drops()).toExtend<FaultSpec<'a'>>();
    expectTypeOf(fault.barrier().on('source -> enrich').drops()).toExtend<FaultSpec<'source' | 'enrich'>>();
    expectTypeOf(fault.kill('power')).toExtend<FaultSpec<never>>();
    expectTypeOf(fault.store().full().nth(1)).toExtend<FaultSpec<never>>();
    expectTypeOf(fault.seq(fault.kill('a'), fault.kill('b'))).toExtend<FaultSpec<'a' | 'b'>>();
    expectTypeOf(fault.oneOf(fault.kill('a'), fault.clock().jumps())).not.toExtend<FaultSpec<'b'>>();
  });

  test('that the scenario has are accepted', () => {
    accept({
      operators: ['enrich', 'total'],
      faults: [
        fault.actor('enrich').throws().atMessage(7),
        fault.actor('*').slow('20ms').sometimes(0.1),
        fault.barrier().on('source -> enrich').duplicates().nth(2),
        fault.barrier().on('*').delays(),
        fault.kill('coordinator').at('metadata.durable', { role: 'coordinator', nth: 2 }),
        fault.kill('process').afterTime('3s'),
        fault.link('enrich', 'total').delays('50ms'),
        fault.seq(fault.kill('enrich'), fault.kill('total'), fault.job().stops()),
        fault.oneOf(fault.kill('sink'), fault.store().hangs().for('2s')),
      ],
    });
    accept({ faults: [fault.kill('store'), fault.clock().jumps('-1h')] });
  });

  test('that the scenario does not have are refused', () => {
    accept({
      operators: ['enrich'],
      faults: [
        // @ts-expect-error there is no such operator
        fault.actor('enrihc').throws(),
        // @ts-expect-error nor here, whatever follows
        fault.actor('enrihc').throws().for('1s').atMessage(7),
        // @ts-expect-error one end of the link is unknown
        fault.link('source', 'enrihc').drops(),
        // @ts-expect-error one end of the link is unknown
        fault.barrier().on('enrihc -> sink').drops(),
        // @ts-expect-error no role and no operator
        fault.kill('cordinator'),
        // @ts-expect-error inside a combination
        fault.seq(fault.kill('enrich'), fault.kill('enrihc')),
        // @ts-expect-error inside a combination inside a combination
        fault.all(fault.kill('enrich'), fault.oneOf(fault.kill('enrihc'), fault.job().stops())),
      ],
    });
    // @ts-expect-error without operators there are the roles of a job only
    accept({ faults: [fault.kill('enrich')] });
  });
});

describe('steps, triggers and durations', () => {
  test('that do not exist are refused', () => {
    const refused = () => {
      const kill = fault.kill('sink');
      // @ts-expect-error there is no such step
      kill.at('sink.prepared');
      // @ts-expect-error an operator has no steps of its own
      kill.at('ack.sent', { role: 'enrich' });
      // @ts-expect-error a fault has one trigger
      kill.nth(2).every(3);
      // @ts-expect-error the unit is unknown
      kill.afterTime('3 seconds');
      // @ts-expect-error a link has an arrow
      fault.barrier().on('source->sink');
      // @ts-expect-error no such fault of a barrier
      fault.barrier().crashes();
    };
    expectTypeOf(refused).toBeFunction();
  });
});
