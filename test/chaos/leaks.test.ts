// Rules of leaks: what is reported, and in which words.

import { createServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import { WeirError } from '../../src/base/errors.js';
import { enqueuedOutside, forbiddenCall, LeakError, LeakWatch } from '../../src/chaos/leaks.js';
import { activeResources } from '../../src/chaos/simulated-globals-forbidden.js';

/** A census that the test changes. */
function watched(before: readonly string[], after: readonly string[]): LeakWatch {
  let open = before;
  const watch = new LeakWatch(() => open);
  open = after;
  return watch;
}

describe('LeakWatch', () => {
  test('names the kinds that are new, and those of which there are more', () => {
    const leak = watched(
      ['Timeout', 'TCPServerWrap'],
      ['Timeout', 'Timeout', 'TCPServerWrap', 'FSReqPromise'],
    ).unexpected();
    expect(leak).toMatchObject({ kind: 'resource', what: 'FSReqPromise, Timeout', caller: null });
    expect(leak?.message).toContain('an operation on a real file (FSReqPromise), a real timer (Timeout)');
  });

  test('what was there before, what has gone, and what the test runner keeps open are no leaks', () => {
    expect(watched(['Timeout'], ['Timeout']).unexpected()).toBeNull();
    expect(watched(['Timeout'], []).unexpected()).toBeNull();
    expect(watched([], ['Immediate', 'MessagePort', 'PipeWrap', 'TTYWrap']).unexpected()).toBeNull();
  });

  test('sees a real timer and a real server', async () => {
    const watch = new LeakWatch(activeResources);
    expect(watch.unexpected()).toBeNull();
    const timer = setTimeout(() => undefined, 60_000);
    expect(watch.unexpected()?.what).toBe('Timeout');
    clearTimeout(timer);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    expect(watch.unexpected()?.what).toBe('TCPServerWrap');
    await new Promise((resolve) => server.close(resolve));
  });
});

describe('LeakError', () => {
  test('says who called what, and what to do instead', () => {
    const error = new LeakError(forbiddenCall('fs.readFile', 'src/app.ts:3', 'Take `files` of the runtime.'));
    expect(error).toBeInstanceOf(WeirError);
    expect(error).toMatchObject({ name: 'LeakError', code: 'WEIR_SIMULATION_LEAK', unrecoverable: true });
    expect(error.message).toBe(
      'fs.readFile was called by src/app.ts:3 in a simulated step, where only simulated effects are repeatable. ' +
        'Take `files` of the runtime.',
    );
  });

  test('a task from outside of any step is told as a wake-up', () => {
    expect(enqueuedOutside('A message to /till', null)).toMatchObject({
      kind: 'wakeUp',
      what: 'A message to /till',
    });
    expect(enqueuedOutside('A timer', 'src/app.ts:9').message).toContain(
      'A timer was enqueued by src/app.ts:9 from outside',
    );
  });
});
