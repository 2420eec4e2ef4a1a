// The table of crash points: complete, honest about what was not reached, and able to find what only one cell shows.

import { describe, expect, test } from 'vitest';
import { nodeRuntime } from '../../src/base/node-runtime.js';
import { type EveryStepOptions, type EveryStepReport, everyStep } from '../../src/chaos/every-step.js';
import type { Subject } from '../../src/chaos/execution.js';
import { PROTOCOL_STEPS } from '../../src/task/effect.js';
import { toySubject } from './toy-subject.js';

const ROLES = ['sink', 'coordinator', 'process', 'power'];

describe('every role at every step', () => {
  test('crashes each of them, at the first, a middle and the last time', async () => {
    const subject = toySubject();
    const report = await table(subject, { kill: ROLES });
    expect(report).toMatchObject({ subject: 'toy', coverage: 1, failures: [], pairs: null });
    expect(report.cells.map(({ role, step }) => `${role} ${step}`)).toEqual(
      ROLES.flatMap((role) => PROTOCOL_STEPS.map((step) => `${role} ${step}`)),
    );
    expect(report.cells.every(({ state, crashes, runs }) => state === 'crashed' && crashes >= runs)).toBe(
      true,
    );
    const planned = subject.specs.map(({ plan }) => plan.faults.at(-1));
    const nths = planned.flatMap((fault) =>
      fault?.target === 'sink' && fault.trigger.kind === 'step' && fault.trigger.step === 'commit.sent'
        ? [fault.trigger.n]
        : [],
    );
    // 30 records make six checkpoints.
    expect(nths).toEqual([1, 3, 6]);
    expect(new Set(planned.map((fault) => fault?.kind))).toEqual(
      new Set([undefined, 'actor.crash', 'process.kill', 'power.loss']),
    );
  });

  test('crashes steps of a restore after a lead', async () => {
    const subject = toySubject();
    await table(subject, { kill: ['sink'] });
    const restores = subject.specs.filter(({ plan }) =>
      plan.faults.some(({ trigger }) => trigger.kind === 'step' && trigger.step === 'restore.applied'),
    );
    expect(restores[0]?.plan.faults).toEqual([
      { kind: 'actor.crash', target: 'operator', trigger: { kind: 'step', step: 'commit.acked', n: 2 } },
      {
        kind: 'actor.crash',
        target: 'sink',
        trigger: { kind: 'step', step: 'restore.applied', n: 1 },
        after: 0,
      },
    ]);
  });

  test('takes another lead where the program has no such actor', async () => {
    const toy = toySubject();
    // Whoever aims at an operator hits nobody.
    const execute: Subject['execute'] = (spec) => {
      const faults = spec.plan.faults.map((fault) =>
        fault.target === 'operator' ? { ...fault, trigger: { kind: 'nth', n: 100_000 } as const } : fault,
      );
      return toy.execute({ ...spec, plan: { ...spec.plan, faults } });
    };
    const report = await table({ ...toy, execute }, { kill: ['coordinator'] });
    expect(report.coverage).toBe(1);
  });

  test('says which cells were not reached, and what came nearest', async () => {
    // Three records make no checkpoint at all.
    const report = await table(withRecords(3), { kill: ['sink'] });
    expect(report.coverage).toBe(0);
    expect(report.cells.every(({ state }) => state === 'notReached')).toBe(true);
    expect(report.cells[0]?.nearest).toMatch(/hit 0 times/);
  });

  test('finds the one step where a death loses something', async () => {
    const report = await table(toySubject({ bugs: { losesAt: 'metadata.durable' } }), {
      kill: ROLES,
      failuresMax: 50,
    });
    const violated = report.cells.filter(({ state }) => state === 'violated');
    expect(violated.map(({ role, step }) => `${role} ${step}`)).toEqual(
      ROLES.map((role) => `${role} metadata.durable`),
    );
    expect(report.coverage).toBe(1);
    for (const { violation, minimal } of report.failures) {
      expect(violation.check).toBe('lost');
      expect(minimal.plan.faults).toMatchObject([{ trigger: { step: 'metadata.durable', n: 1 } }]);
    }
  });

  test('ends at the wanted number of failures', async () => {
    const bugs = { losesAt: 'metadata.durable' } as const;
    expect((await table(toySubject({ bugs }), { kill: ROLES, failuresMax: 1 })).failures).toHaveLength(1);
  });

  test('shows nothing for a program that fails without a crash, but the failure', async () => {
    const report = await table(toySubject({ bugs: { losesAboveDelayMs: 0 } }), { kill: ROLES });
    expect(report).toMatchObject({ runs: 1, coverage: 0, failures: [{ violation: { check: 'lost' } }] });
  });

  test('runs the table under several seeds, the later ones with other knobs', async () => {
    const subject = toySubject();
    await table(subject, { kill: ['sink'], seeds: 3, firstSeed: 5 });
    expect(new Set(subject.specs.map(({ seed }) => seed))).toEqual(new Set([5, 6, 7]));
    expect(new Set(subject.specs.map(({ knobs }) => JSON.stringify(knobs))).size).toBe(3);
  });
});

describe('all ordered pairs', () => {
  test('find what needs two deaths in order, which single ones do not', async () => {
    const bugs = { losesAtPair: ['notify.sent', 'ack.sent'] } as const;
    expect((await table(toySubject({ bugs }), { kill: ['sink'] })).failures).toEqual([]);
    const report = await table(toySubject({ bugs }), { kill: ['sink'], pairs: true });
    expect(report.failures.length).toBeGreaterThan(0);
    expect(report.failures[0]?.minimal.plan.faults.map(({ trigger }) => trigger)).toMatchObject([
      { step: 'notify.sent' },
      { step: 'ack.sent' },
    ]);
  });

  test('are planned without exception', async () => {
    const report = await table(toySubject(), { kill: ['sink'], pairs: true });
    const pairs = PROTOCOL_STEPS.length ** 2;
    expect(report.pairs).toEqual({ planned: pairs, run: pairs, crashed: pairs, violated: 0 });
  });
});

function table(subject: Subject, options: EveryStepOptions): Promise<EveryStepReport> {
  return everyStep(subject, options, nodeRuntime());
}

function withRecords(records: number): Subject {
  const toy = toySubject();
  const { records: info, ...knobs } = toy.knobs;
  if (info === undefined) throw new Error('the toy has records');
  return { ...toy, knobs: { ...knobs, records: { ...info, default: records } } };
}
