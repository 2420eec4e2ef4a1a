// A logger that throws harms nothing but its own lines.

import { expect, test } from 'vitest';
import { guardedLogger, type LogFields, type Logger, silentLogger } from '../../src/base/logger.js';

function flaky(lines: string[], isDown: () => boolean): Logger {
  const line = (fields: LogFields, message: string): void => {
    if (isDown()) throw new Error('the disk of the logger is full');
    lines.push(`${message} ${JSON.stringify(fields)}`);
  };
  return { debug: line, info: line, warn: line, error: line, child: () => flaky(lines, isDown) };
}

test('a logger that throws is not heard, and its lost lines are told with the next one', () => {
  const lines: string[] = [];
  let down = true;
  const logger = guardedLogger(flaky(lines, () => down));
  logger.info({}, 'lost');
  logger.child({ actor: 'a' }).warn({}, 'lost too');
  down = false;
  logger.error({ a: 1 }, 'heard');
  logger.error({ a: 2 }, 'heard again');
  expect(lines).toEqual(['heard {"a":1,"logLinesLost":2}', 'heard again {"a":2}']);
});

test('a logger whose child cannot be made goes on without the fields of the child', () => {
  const lines: string[] = [];
  const logger = guardedLogger({
    ...flaky(lines, () => false),
    child: () => {
      throw new Error('no children');
    },
  });
  logger.child({ actor: 'a' }).info({}, 'heard');
  expect(lines).toEqual(['heard {}']);
});

test('silence and what is guarded already stay as they are', () => {
  const guarded = guardedLogger(flaky([], () => false));
  expect(guardedLogger(guarded)).toBe(guarded);
  expect(guardedLogger(silentLogger)).toBe(silentLogger);
});
