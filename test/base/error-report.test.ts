// Errors for people: everything once, the place in the reader's own code, and what to do.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { chainText, reportError } from '../../src/base/error-report.js';
import {
  ConfigError,
  ConnectorError,
  JobFailedError,
  messageOf,
  RestoreError,
  StateError,
  StoreError,
  UserCodeError,
} from '../../src/base/errors.js';
import { shownText, shownValue } from '../../src/base/shown-text.js';

const BRIEF = { verbose: false, directory: '/app' };

function errorAt(message: string, place: string): Error {
  const error = new TypeError(message);
  error.stack = `TypeError: ${message}\n    at parse (${place})\n    at node:internal/x:1:1`;
  return error;
}

test('a failed job: the message loses what its causes say themselves', () => {
  const cause = errorAt('no number', '/app/job.ts:3:9');
  const user = new UserCodeError('The function of map threw: no number.', {
    operator: 'parse',
    subtask: 1,
    declaredAt: '/app/job.ts:12:6',
    record: "{ id: 7, text: 'x' }",
    remedy: 'Look at the record.',
    cause,
  }).at({ position: 'access.log:4711', subtask: 1 });
  const failed = new JobFailedError(`Job "hits" failed (no restarts left): ${user.message}`, {
    cause: user,
    suppressed: [new Error('earlier')],
  });
  expect(reportError(failed, BRIEF)).toEqual([
    'Job "hits" failed (no restarts left)',
    '  1 earlier failure; --verbose shows them',
    'caused by UserCodeError: The function of map threw: no number.',
    '  where  operator "parse", subtask 1, access.log:4711',
    "  record  { id: 7, text: 'x' }",
    '  declared at job.ts:12:6',
    '  what to do: Look at the record.',
    '  thrown at job.ts:3:9 (TypeError)',
  ]);
});

test('advice that two errors share is given once', () => {
  const cause = new StoreError('WEIR_STORE', 'The directory does not exist.', { remedy: 'Check the path.' });
  const error = new RestoreError(`There is no savepoint: ${cause.message}`, {
    cause,
    remedy: 'Check the path.',
  });
  expect(reportError(error, BRIEF)).toEqual([
    'There is no savepoint',
    '  what to do: Check the path.',
    'caused by StoreError: The directory does not exist.',
  ]);
});

test('a list of problems stays a list', () => {
  expect(reportError(new ConfigError('Two problems:\n- one\n- two'), BRIEF)).toEqual([
    'Two problems:\n  - one\n  - two',
  ]);
});

test('what is thrown and is no error is shown too, and a circle of causes ends', () => {
  expect(reportError('just text', BRIEF)).toEqual(['just text']);
  const circle = new Error('a');
  circle.stack = '';
  circle.cause = circle;
  expect(reportError(circle, BRIEF)).toEqual(['a']);
});

test('stacks come when they are asked for', () => {
  const lines = reportError(errorAt('no number', '/app/job.ts:3:9'), { ...BRIEF, verbose: true });
  expect(lines).toEqual(['no number', '  at parse (/app/job.ts:3:9)', '  at node:internal/x:1:1']);
});

test('a cause with words of its own is told with its kind, and the line that threw', () => {
  const cause = errorAt('Cannot read properties of undefined', '/app/job.ts:3:9');
  const error = new ConnectorError('Source "numbers" failed: the generator could not make record 7.', {
    operator: 'numbers',
    cause,
  });
  expect(reportError(error, BRIEF)).toEqual([
    'Source "numbers" failed: the generator could not make record 7.',
    '  where  operator "numbers"',
    'caused by TypeError: Cannot read properties of undefined',
    '  at job.ts:3:9',
  ]);
  expect(chainText(error)).toBe(
    'Source "numbers" failed: the generator could not make record 7. [operator "numbers"], caused by TypeError: Cannot read properties of undefined (thrown at /app/job.ts:3:9)',
  );
});

test('a call of Weir that Weir refused names the line of the call', () => {
  const error = new StateError('Not in a list.', { operator: 'dedup' });
  error.stack = 'StateError: Not in a list.\n    at onElement (/app/job.ts:9:9)\n    at node:x:1:1';
  expect(reportError(error, BRIEF)).toContain('  thrown at job.ts:9:9');
});

test('nothing that comes from data or from what was thrown reaches the reader as a control character', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('\x1b[2J', '\u202egnp.exe', '\r\nweir: all is well', '\x9b31m', '\ud800', '\u2028'),
  );
  fc.assert(
    fc.property(text, text, text, text, fc.boolean(), (thrown, position, record, name, verbose) => {
      const cause = new Error(thrown);
      cause.name = name;
      const error = new UserCodeError(`"map" threw: ${messageOf(cause)}`, {
        operator: name,
        subtask: 0,
        declaredAt: position,
        record: shownValue({ [record]: record }),
        remedy: record,
        cause,
      }).at({ position, subtask: 0 });
      const job = new JobFailedError(messageOf(error), { cause: error, suppressed: [cause, thrown] });
      const lines = [...reportError(job, { verbose, directory: '/app' }), chainText(job)];
      for (const line of lines) expect(line).toBe(shownText(line));
    }),
  );
});
