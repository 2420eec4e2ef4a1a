import { expect, test } from 'vitest';
import { nodeRuntime } from '../../src/base/node-runtime.js';

test('callbacks run in macrotasks of their own, in the order of dispatch', async () => {
  const runtime = nodeRuntime();
  const log: string[] = [];
  await new Promise<void>((resolve) => {
    runtime.dispatch(() => {
      log.push('first');
      void Promise.resolve().then(() => log.push('its microtask'));
    });
    runtime.dispatch(() => log.push('second'));
    runtime.dispatch(resolve);
    log.push('caller');
  });
  expect(log).toEqual(['caller', 'first', 'its microtask', 'second']);
});

test('a timer never fires early, a cancelled one never fires', async () => {
  const runtime = nodeRuntime();
  runtime.timers
    .after(1, () => {
      throw new Error('cancelled');
    })
    .cancel();
  const delays = Array.from({ length: 300 }, (_, index) => index / 7);
  const early = delays.map(async (delayMs) => {
    const start = runtime.clock.monotonicMs();
    await new Promise<void>((resolve) => runtime.timers.after(delayMs, resolve));
    return runtime.clock.monotonicMs() - start < delayMs;
  });
  expect(await Promise.all(early)).not.toContain(true);
});

test('a delay beyond what Node can hold does not fire at once', async () => {
  const runtime = nodeRuntime();
  const warnings: string[] = [];
  const onWarning = (warning: Error): void => void warnings.push(warning.name);
  process.on('warning', onWarning);
  let fired = false;
  const timer = runtime.timers.after(2 ** 40, () => {
    fired = true;
  });
  await new Promise<void>((resolve) => runtime.timers.after(5, resolve));
  timer.cancel();
  process.off('warning', onWarning);
  expect(fired).toBe(false);
  expect(warnings).not.toContain('TimeoutOverflowWarning');
});

test('ids are unique and name their purpose; random numbers differ between streams', () => {
  const runtime = nodeRuntime();
  const ids = new Set(Array.from({ length: 1_000 }, () => runtime.id('job')));
  expect(ids.size).toBe(1_000);
  expect([...ids].every((id) => id.startsWith('job-'))).toBe(true);
  const [a, b] = [runtime.random('a'), runtime.random('b')];
  const numbers = Array.from({ length: 100 }, () => [a.next(), b.next()]).flat();
  expect(new Set(numbers).size).toBe(200);
  expect(numbers.every((number) => number >= 0 && number < 1)).toBe(true);
});

test('points are null unless given; the environment is that of the process', () => {
  const points = { hit: () => {} };
  expect(nodeRuntime().points).toBeNull();
  expect(nodeRuntime({ points }).points).toBe(points);
  expect(nodeRuntime().environment('PATH')).toBe(process.env['PATH']);
  expect(nodeRuntime().environment('WEIR_NOT_SET')).toBeUndefined();
});
