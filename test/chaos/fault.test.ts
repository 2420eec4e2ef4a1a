// The builder of faults: what is written is what is planned.

import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../src/base/errors.js';
import { fault, planOf } from '../../src/chaos/fault.js';
import { FAULT_KINDS, type FaultKind } from '../../src/chaos/fault-kinds.js';
import type { PlannedFault } from '../../src/chaos/plan.js';
import { parsePlan, planText } from '../../src/chaos/plan-json.js';
import type { FaultSpec } from '../../src/chaos/scenario-options.js';

const first = (): number => 0;

function plan(...specs: readonly FaultSpec[]): readonly PlannedFault[] {
  return planOf(specs, first).faults;
}

const enrich = fault.actor('enrich');
const link = fault.link('source', '*');

/** One of each kind, as it is written. */
const WRITTEN: readonly FaultSpec[] = [
  enrich.throws(),
  enrich.rejects(),
  enrich.hangs(),
  enrich.poisons(),
  enrich.crashes(),
  enrich.crashesAwaiting(),
  enrich.setupThrows(),
  enrich.policyThrows(),
  enrich.slow('20ms'),
  enrich.blocks('200ms'),
  enrich.stops(),
  enrich.mailbox(1),
  enrich.dropsOverflow(1),
  enrich.mutatesMessage(),
  enrich.uncloneable(),
  enrich.timerRace(),
  enrich.declinesSnapshot(),
  enrich.slowSnapshot('1s'),
  enrich.losesAck(),
  enrich.duplicatesAck(),
  enrich.staleAck(),
  enrich.losesNotice(),
  enrich.delaysNotice('1s'),
  enrich.duplicatesTrigger(),
  link.delays('50ms'),
  link.duplicates(),
  link.drops(),
  link.reorders(),
  link.swizzles('200ms'),
  link.lateAsk('6s'),
  fault.barrier().on('source -> enrich').delays('1s'),
  fault.barrier().duplicates(),
  fault.barrier().drops(),
  fault.barrier().overtakes(),
  fault.barrier().on('*').stale(),
  fault.kill('process'),
  fault.kill('power'),
  fault.process().pauses('500ms'),
  fault.process().stalls('300ms'),
  fault.process().zombie('400ms'),
  fault.process().lateWrites(),
  fault.process().uncaught(),
  fault.process().aborts(),
  fault.process().exitsThread(),
  fault.process().exhaustsThread(),
  fault.process().memoryPressure(128),
  fault.process().opensStoreTwice(),
  fault.store().full(),
  fault.store().rejects(),
  fault.store().rejectsVisible(),
  fault.store().rejectsWritten(),
  fault.store().hangs(),
  fault.store().hangsWritten(),
  fault.store().slow('1s'),
  fault.store().staleRoot(),
  fault.store().flips(),
  fault.store('journal').mapFull(),
  fault.store().openFails(),
  fault.disk('out/').fails(),
  fault.disk('out/').failsWritten(),
  fault.disk('out/').full(),
  fault.disk('out/').hangs(),
  fault.disk('out/').hangsWritten(),
  fault.disk('out/').exhausted(),
  fault.clock().jumps('-1h'),
  fault.clock().drifts(-100),
  fault.input().poisons(),
  fault.input().late(3),
  fault.input().repeats(),
  fault.input().fails(),
  fault.input().stalls('200ms'),
  fault.output().slow(),
  fault.output().sticks(),
  fault.output().partial(),
  fault.output().commitUnknown(),
  fault.output().commitFails(),
  fault.output().commitSlow(),
  fault.output().commitSticks(),
  fault.job().savepoint(),
  fault.job().stops(),
  fault.job().rescales(4),
  fault.telemetry().fails(),
  fault.network(9092).resets(),
  fault.network('*').delays(),
];

describe('the builder', () => {
  test('reaches every kind of fault', () => {
    const written = new Set<FaultKind>(plan(...WRITTEN).map((one) => one.kind));
    expect([...FAULT_KINDS.keys()].filter((kind) => !written.has(kind))).toEqual([]);
  });

  test('makes plans that the reader of JSON accepts', () => {
    const made = planOf(WRITTEN, first);
    expect(parsePlan(JSON.parse(planText(made)))).toEqual(made);
  });

  test('a fault without trigger fires at its first hit', () => {
    expect(plan(fault.actor('enrich').throws())).toEqual([
      { kind: 'actor.throw', target: 'enrich', trigger: { kind: 'nth', n: 1 } },
    ]);
  });

  test('targets are written as plans have them', () => {
    const targets = plan(
      fault.kill('coordinator'),
      fault.kill('process'),
      fault.kill('power'),
      fault.link('a', '*').drops(),
      fault.barrier().drops(),
      fault.barrier().on('source -> enrich').drops(),
      fault.store().full(),
      fault.network(80).resets(),
    ).map((one) => [one.kind, one.target]);
    expect(targets).toEqual([
      ['actor.crash', 'coordinator'],
      ['process.kill', 'process'],
      ['power.loss', 'machine'],
      ['link.drop', 'a -> *'],
      ['barrier.drop', '* -> *'],
      ['barrier.drop', 'source -> enrich'],
      ['store.full', 'checkpoints'],
      ['network.reset', '80'],
    ]);
  });

  test('each trigger says when', () => {
    const base = fault.actor('*').throws();
    const triggers = plan(
      base.atMessage(7),
      base.nth(7),
      base.every(3),
      base.at('commit.sent'),
      base.at('ack.sent', { role: 'sink', nth: 2 }),
      base.afterTime('3s'),
      base.afterWrites(3),
      base.when('late'),
      base.withProbability(0.1),
      base.sometimes(0.1),
    ).map((one) => one.trigger);
    expect(triggers).toEqual([
      { kind: 'nth', n: 7 },
      { kind: 'nth', n: 7 },
      { kind: 'every', n: 3 },
      { kind: 'step', step: 'commit.sent', n: 1 },
      { kind: 'step', step: 'ack.sent', role: 'sink', n: 2 },
      { kind: 'time', ms: 3_000 },
      { kind: 'nth', n: 4 },
      { kind: 'when', predicate: 'late' },
      { kind: 'chance', probability: 0.1 },
      { kind: 'chance', probability: 0.1 },
    ]);
  });

  test('triggers that speak of many hits fire for ever, unless they are told how often', () => {
    const base = fault.link('a', 'b').delays('10ms');
    const times = plan(
      base.nth(1),
      base.every(2),
      base.sometimes(0.5),
      base.every(2).times(3),
      base.times(3).every(2),
      base.forever(),
    ).map((one) => one.times);
    expect(times).toEqual([undefined, null, null, 3, 3, null]);
  });

  test('a fault is never changed: each call makes a new one', () => {
    const base = fault.store().slow('1s');
    const [lasting, ...rest] = plan(base.for('2s').times(2).nth(4), base, base);
    expect(lasting).toEqual({
      kind: 'store.slow',
      target: 'checkpoints',
      trigger: { kind: 'nth', n: 4 },
      times: 2,
      forMs: 2_000,
      parameters: { ms: 1_000 },
    });
    for (const one of rest) expect(one).not.toHaveProperty('forMs');
  });
});

describe('what is wrong is refused where it is written', () => {
  test.each<[string, () => unknown, RegExp]>([
    [
      'a duration',
      () => fault.actor('a').slow('20 sec' as '20s'),
      /actor\.slow: expected a duration, got "20 sec"/,
    ],
    ['a negative one', () => fault.actor('a').slow('-1s'), /not negative, got "-1s"/],
    ['too long', () => fault.actor('a').slow('1h'), /ms: expected a number from 0 to 500, got 3600000/],
    ['a capacity', () => fault.actor('a').mailbox(0), /capacity: expected a whole number from 1 to 8, got 0/],
    ['a half', () => fault.job().rescales(2.5), /parallelism: expected a whole number from 1 to 4, got 2.5/],
    ['message 0', () => fault.actor('a').throws().atMessage(0), /n: expected a whole number from 1 .* got 0/],
    ['times', () => fault.actor('a').throws().times(-1), /times: expected .* got -1/],
    ['a probability', () => fault.actor('a').throws().sometimes(2), /probability: expected .* to 1, got 2/],
    ['no chance', () => fault.actor('a').throws().sometimes(0), /probability: expected .* got 0/],
    ['writes', () => fault.store().full().afterWrites(-1), /afterWrites: expected .* from 0 .* got -1/],
    [
      'a port',
      () => fault.network(70_000).resets(),
      /port from 1 to 65535 \(as text\), or "\*", got "70000"/,
    ],
    ['no name', () => fault.actor('').throws(), /actor\.throw hits an actor .* got ""/],
    ['a link as an actor', () => fault.actor('a -> b').throws(), /hits an actor .* got "a -> b"/],
    [
      'half a link',
      () => fault.barrier().on('a->b' as 'a -> b'),
      /expected "<from> -> <to>" or "\*", got "a->b"/,
    ],
    ['a step', () => fault.kill('a').at('ack.lost' as 'ack.sent'), /at: expected one of .* got "ack.lost"/],
    [
      'a step of no job',
      () => fault.actor('a').stops().at('ack.sent'),
      /at: actor\.stop hits apps of plain actors/,
    ],
    ['a predicate', () => fault.kill('a').when(''), /when: expected the name/],
    ['no faults', () => fault.seq(), /fault\.seq: expected one fault or more/],
  ])('%s', (_, write, message) => {
    expect(write).toThrow(ConfigError);
    expect(write).toThrow(message);
  });

  test('a second trigger', () => {
    const once = fault.actor('a').throws().nth(1) as ReturnType<ReturnType<typeof fault.actor>['throws']>;
    expect(() => once.every(2)).toThrow(/has a trigger already/);
    expect(() => once.during(fault.kill('b'))).toThrow(/has a trigger already/);
  });
});

describe('references between faults', () => {
  const kill = fault.kill('coordinator');
  const slow = fault.store().slow();

  test('become indices of the plan, forwards and backwards', () => {
    const faults = plan(slow.during(kill), kill, slow.after(kill).nth(2));
    expect(faults[0]?.trigger).toEqual({ kind: 'during', fault: 1 });
    expect(faults[2]).toMatchObject({ after: 1, trigger: { kind: 'nth', n: 2 } });
  });

  test('to what is not in the list are refused', () => {
    const lonely = slow.during(kill);
    expect(() => plan(lonely)).toThrow(ConfigError);
    expect(() => plan(lonely, kill.nth(2))).toThrow(
      /store\.slow on "checkpoints" waits by `during` for the fault actor\.crash on "coordinator", which is not in the list/,
    );
    expect(() => plan(slow.after(fault.all(kill)))).toThrow(/a `fault\.all`, which is not in the list/);
  });

  test('reach into combinations', () => {
    const faults = plan(fault.seq(fault.job().savepoint(), kill), slow.during(kill));
    expect(faults.map((one) => one.trigger)).toEqual([
      { kind: 'nth', n: 1 },
      { kind: 'nth', n: 1 },
      { kind: 'during', fault: 1 },
    ]);
  });

  test('to a sequence mean its last fault, to several at a time are refused', () => {
    const sequence = fault.seq(kill, fault.kill('process'));
    expect(plan(sequence, slow.after(sequence))[2]).toMatchObject({ after: 1 });
    const both = fault.all(kill, fault.kill('process'));
    expect(() => plan(both, slow.after(both))).toThrow(/several faults at a time/);
  });

  test('count from the start of the list that a foreign spec gives', () => {
    const foreign: FaultSpec = {
      planned: () => [
        { kind: 'process.kill', target: 'process', trigger: { kind: 'nth', n: 1 } },
        { kind: 'store.slow', target: '*', trigger: { kind: 'during', fault: 0 }, after: 0 },
      ],
    };
    expect(plan(kill, foreign)[2]).toMatchObject({ trigger: { kind: 'during', fault: 1 }, after: 1 });
    expect(plan(kill, fault.seq(kill, foreign)).map((one) => one.after)).toEqual([
      undefined,
      undefined,
      1,
      2,
    ]);
  });
});

describe('combinations', () => {
  const a = fault.kill('a');
  const b = fault.kill('b');
  const c = fault.kill('c');

  test('in a sequence each sleeps until the one before has fired', () => {
    expect(plan(a, fault.seq(a, b, fault.seq(c, a))).map((one) => one.after)).toEqual([
      undefined,
      undefined,
      1,
      2,
      3,
    ]);
  });

  test('a sequence may end with several, but not go on after them', () => {
    expect(plan(fault.seq(a, fault.all(b, c))).map((one) => one.after)).toEqual([undefined, 0, 0]);
    expect(() => plan(fault.seq(fault.all(a, b), c))).toThrow(/only go on after a single fault/);
    expect(() => plan(a, fault.seq(b, c.after(a)))).toThrow(/`after` of its own inside `fault\.seq`/);
  });

  test('one of them is drawn, by the given number', () => {
    const bounds: number[] = [];
    const faults = planOf([fault.oneOf(a, fault.all(b, c), c)], (bound) => {
      bounds.push(bound);
      return 1;
    }).faults;
    expect(bounds).toEqual([3]);
    expect(faults.map((one) => one.target)).toEqual(['b', 'c']);
    expect(() => planOf([fault.oneOf(a, b)], (bound) => bound)).toThrow(/below its bound of 2/);
  });

  test('what waits for a fault that was not drawn is left out too', () => {
    const late = fault.store().slow().after(b);
    const later = fault.store().full().during(late);
    expect(plan(late, later, fault.oneOf(a, b), c).map((one) => one.target)).toEqual(['a', 'c']);
    const drawn = planOf([late, later, fault.oneOf(a, b), c], () => 1).faults;
    expect(drawn[0]).toMatchObject({ after: 2 });
    expect(drawn[1]?.trigger).toEqual({ kind: 'during', fault: 0 });
  });

  test('a spec alone gives its own faults', () => {
    expect(fault.seq(a, b).planned(first)).toEqual(plan(fault.seq(a, b)));
  });
});
