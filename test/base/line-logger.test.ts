// Without a logger, warnings and errors are short lines; WEIR_LOG turns them; nothing from data begins a line.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { actorSystem } from '../../actors/kernel/system.js';
import { defaultLogger, type LogLevel, lineLogger } from '../../src/base/line-logger.js';
import { silentLogger } from '../../src/base/logger.js';
import { virtualRuntime } from '../../src/testing/virtual-runtime.js';

const AT = Date.UTC(2026, 0, 1, 9, 30, 5);

function written(level: string | null, speak: (logger: ReturnType<typeof defaultLogger>) => void): string[] {
  const lines: string[] = [];
  const runtime = virtualRuntime({
    seed: 1,
    startWallMs: AT,
    environment: level === null ? {} : { WEIR_LOG: level },
    report: (text) => lines.push(text),
  });
  speak(defaultLogger(runtime));
  return lines;
}

test('an entry is one line: time, level, message, facts, error', () => {
  const lines = written(null, (logger) => {
    logger.child({ job: 'orders' }).warn({ delayMs: 1000, actor: '/job' }, 'the job restarts');
    logger.error({ error: new Error('disk full') }, 'attempt failed');
    logger.error({ error: 'x', report: ['what', '  where  a\n  b'] }, 'attempt failed');
  });
  expect(lines).toEqual([
    '09:30:05 weir warn the job restarts job=orders delayMs=1000 actor=/job',
    '09:30:05 weir error attempt failed: disk full',
    '09:30:05 weir error attempt failed\n    what\n      where  a\n      b',
  ]);
});

test.each<[LogLevel | null, string]>([
  [null, 'EW'],
  ['silent', ''],
  ['error', 'E'],
  ['warn', 'EW'],
  ['info', 'EWI'],
  ['debug', 'EWID'],
])('WEIR_LOG=%s writes %s', (level, expected) => {
  const lines = written(level, (logger) => {
    logger.error({}, 'E');
    logger.child({}).warn({}, 'W');
    logger.info({}, 'I');
    logger.debug({}, 'D');
  });
  expect(lines.map((line) => line.slice(-1)).join('')).toBe(expected);
});

test('a level that is none is said, and the default holds', () => {
  const lines = written('verbose', (logger) => logger.info({}, 'not written'));
  expect(lines).toEqual([
    '09:30:05 weir warn WEIR_LOG is one of silent, error, warn, info, debug; warn is used got=verbose',
  ]);
});

test('an actor that fails is told, unless its system is given a logger', () => {
  const lines: string[] = [];
  const fail = async (logger?: typeof silentLogger): Promise<void> => {
    const runtime = virtualRuntime({ seed: 1, report: (text) => lines.push(text) });
    const system = actorSystem({ runtime, host: 'dispatch', ...(logger === undefined ? {} : { logger }) });
    system
      .spawn(
        () => ({
          onMessage() {
            throw new Error('no');
          },
        }),
        { name: 'till' },
      )
      .offer('pay' as never);
    await runtime.run();
  };
  return fail()
    .then(() => {
      expect(lines.join('\n')).toContain('weir warn actor failed actor=/till: no');
      lines.length = 0;
      return fail(silentLogger);
    })
    .then(() => expect(lines).toEqual([]));
});

test('no entry has a control character that did not come from Weir', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('\x1b[2J', '\n09:00:00 weir warn fake', '\u202e'),
  );
  fc.assert(
    fc.property(
      text,
      fc.dictionary(text, fc.anything()),
      text,
      fc.array(text),
      (message, fields, error, report) => {
        const lines: string[] = [];
        const logger = lineLogger(
          { clock: { wallMs: () => AT, monotonicMs: () => 0 }, report: (line) => lines.push(line) },
          'debug',
        );
        logger.child(fields).error({ error }, message);
        expect(lines.join('')).not.toMatch(/[\p{Cc}\p{Cs}\p{Bidi_Control}\u2028\u2029]/u);
        logger.error({ report }, message);
        expect(lines.join('').replaceAll('\n    ', '')).not.toMatch(
          /[\p{Cc}\p{Cs}\p{Bidi_Control}\u2028\u2029]/u,
        );
      },
    ),
  );
});
