// Errors for people: everything once, the place in the reader's own code, and what to do.

import { expect, test } from 'vitest';
import {
  ConfigError,
  JobFailedError,
  RestoreError,
  StoreError,
  UserCodeError,
} from '../../src/base/errors.js';
import { reportError } from '../../src/cli/error-report.js';

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
    '  declared at job.ts:12:6',
    '  what to do: Look at the record.',
    'caused by TypeError: no number',
    '  at job.ts:3:9',
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
