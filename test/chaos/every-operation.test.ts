// The n-th operation fails, for every n: the loop leaves out nothing, ends by itself, and tells what it could not do.

import { describe, expect, test } from 'vitest';
import { nodeRuntime } from '../../src/base/node-runtime.js';
import {
  type EveryOperationOptions,
  type EveryOperationReport,
  everyOperation,
} from '../../src/chaos/every-operation.js';
import type { Subject } from '../../src/chaos/execution.js';
import { toySubject } from './toy-subject.js';

describe('every operation', () => {
  test('fails once and for ever, for each n, until no operation is left', async () => {
    const subject = toySubject();
    const report = await loop(subject, { port: 'store', error: 'EIO' });
    // 30 records make six checkpoints of two writes each.
    expect(report.loops).toEqual([
      { kind: 'store.reject', mode: 'once', operations: 12, complete: true },
      { kind: 'store.reject', mode: 'forever', operations: 12, complete: true },
    ]);
    expect(report.rows.map(({ n }) => n)).toEqual([...numbers(12), ...numbers(12)]);
    expect(report).toMatchObject({ failures: [], notExercised: [], runs: 26 });
    expect(subject.specs.slice(0, 13).map(({ plan }) => plan.faults)).toEqual(
      numbers(13).map((n) => [{ kind: 'store.reject', target: '*', trigger: { kind: 'nth', n } }]),
    );
    expect(subject.specs[13]?.plan.faults[0]?.times).toBeNull();
  });

  test('of unknown outcome comes in both forms: rejected, and never answered', async () => {
    const report = await loop(toySubject(), { port: 'store', error: 'unknown', mode: ['once'] });
    expect(report.loops.map(({ kind }) => kind)).toEqual(['store.rejectWritten']);
    expect(report.notExercised).toEqual(['store.hangWritten: does not apply to toy.']);
  });

  test('shows from which operation on something is wrong', async () => {
    const subject = toySubject({ bugs: { repeatsWriteFrom: 9 } });
    const report = await loop(subject, { port: 'store', error: 'unknown', mode: ['once'], failuresMax: 50 });
    const violated = report.rows.filter((row) => row.violated.length > 0);
    expect(violated.map(({ n, violated: checks }) => [n, checks])).toEqual(
      [9, 10, 11, 12].map((n) => [n, ['doubled']]),
    );
    expect(report.failures).toHaveLength(4);
  });

  test('sees a program that stands still', async () => {
    const report = await loop(toySubject({ bugs: { hangs: true } }), {
      port: 'store',
      error: 'hang',
      failuresMax: 2,
    });
    expect(report.failures.map(({ violation }) => violation.check)).toEqual(['O7 liveness', 'O7 liveness']);
    expect(report.loops[0]).toMatchObject({ operations: 2, complete: false });
  });

  test('says so when a bound ended the loop, and when there is nothing to fail', async () => {
    const bounded = await loop(toySubject(), {
      port: 'store',
      error: 'ENOSPC',
      from: 4,
      operationsMax: 3,
      mode: ['once'],
    });
    expect(bounded.loops).toEqual([{ kind: 'store.full', mode: 'once', operations: 3, complete: false }]);
    expect(bounded.rows.map(({ n }) => n)).toEqual([4, 5, 6]);
    const files = await loop(toySubject(), { port: 'files', error: 'EIO' });
    expect(files.notExercised).toEqual(['files.fail: does not apply to toy.']);
    const unknown = await loop(toySubject(), { port: 'files', error: 'unknown' });
    expect(unknown.notExercised).toEqual([
      'files.failWritten: does not apply to toy.',
      'files.hangWritten: does not apply to toy.',
    ]);
    const never = await loop(toySubject(), {
      port: 'store',
      error: 'EIO',
      mode: ['once'],
      knobs: { records: 2 },
    });
    expect(never.notExercised).toEqual(['store.reject once: the program makes no such operation.']);
  });
});

function loop(subject: Subject, options: EveryOperationOptions): Promise<EveryOperationReport> {
  return everyOperation(subject, options, nodeRuntime());
}

function numbers(last: number): readonly number[] {
  return Array.from({ length: last }, (_, index) => index + 1);
}
