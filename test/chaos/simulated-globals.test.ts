// Rules of the patched globals: virtual inside of a step, untouched outside, gone without a trace afterwards.

import { AsyncLocalStorage } from 'node:async_hooks';
import { execFile } from 'node:child_process';
import nodeCrypto, { randomUUID } from 'node:crypto';
import fs, { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import timers from 'node:timers';
import timersPromises from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { randomStream } from '../../src/base/random-stream.js';
import { LeakError } from '../../src/chaos/leaks.js';
import { installSimulatedGlobals, type SimulatedSurroundings } from '../../src/chaos/simulated-globals.js';
import { forbidden, forbiddenWhereKnown, harmless, virtual } from './fixtures/globals-canaries.js';
import type { NativeReport } from './fixtures/native-globals.js';
import { runSimulated } from './fixtures/simulated-program.js';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const fail = (): never => {
  throw new Error('not expected to be called');
};

/** A process whose clocks stand still. */
function still(wallMs: number): SimulatedSurroundings {
  return {
    wallMs: () => wallMs,
    monotonicMs: () => 5,
    after: () => ({ cancel: () => undefined }),
    random: (purpose) => randomStream(1, purpose),
    leaked: fail,
  };
}

describe('virtual inside of a step', () => {
  test.each(Object.keys(virtual))('%s: two runs of one seed see the same', async (name) => {
    const program = virtual[name] ?? fail;
    const first = await runSimulated(program);
    expect(first.error).toBeNull();
    expect(first.leaks).toEqual([]);
    expect(first.notes.length).toBeGreaterThan(0);
    expect((await runSimulated(program)).notes).toEqual(first.notes);
  });

  test.each([
    'Math.random',
    'crypto.randomUUID',
    'crypto.getRandomValues',
    'crypto.randomBytes',
    'crypto.randomInt',
  ])('%s: another seed sees something else', async (name) => {
    const program = virtual[name] ?? fail;
    expect((await runSimulated(program, 2)).notes).not.toEqual((await runSimulated(program, 1)).notes);
  });

  test('timers fire in the order of virtual time, and cleared ones never', async () => {
    const { notes } = await runSimulated(virtual['setTimeout'] ?? fail);
    expect(notes).toEqual([
      '0 true false true',
      '1 soon',
      '2 this is the timer false',
      '10 early',
      '20 late x 2',
      '50 refreshed',
    ]);
  });

  test('an interval repeats until it is cleared', async () => {
    const { notes } = await runSimulated(virtual['setInterval'] ?? fail);
    expect(notes).toEqual(['10 round 1', '20 round 2', '30 round 3']);
  });

  test('ticks and microtasks run before the immediate', async () => {
    const { notes } = await runSimulated(virtual['setImmediate'] ?? fail);
    expect(notes).toEqual(['0 tick', '0 microtask', '0 immediate v']);
  });

  test('waits of node:timers/promises take virtual time and end with their signal', async () => {
    const { notes } = await runSimulated(virtual['timers/promises setTimeout'] ?? fail);
    expect(notes).toEqual(['15 slept', '20 AbortError enough']);
    expect((await runSimulated(virtual['timers/promises setInterval'] ?? fail)).notes).toEqual([
      '7 tick',
      '14 tick',
      '21 tick',
    ]);
    expect((await runSimulated(virtual['AbortSignal.timeout'] ?? fail)).notes).toEqual(['25 TimeoutError']);
  });

  test('an interval of node:timers/promises that is aborted while it waits throws', async () => {
    const { notes, error } = await runSimulated(async (note) => {
      const controller = new AbortController();
      setTimeout(() => controller.abort(), 25);
      for await (const value of timersPromises.setInterval(10, 'tick', { signal: controller.signal }))
        note(value);
    });
    expect(notes).toEqual(['10 tick', '20 tick']);
    expect(error).toMatchObject({ name: 'AbortError', code: 'ABORT_ERR' });
  });

  test('performance and hrtime follow the monotonic clock', async () => {
    const { notes } = await runSimulated(virtual['process.hrtime'] ?? fail);
    expect(notes).toEqual(['1500 [1,500000000] 1500000000n 1500000000n 1.5']);
    const [line] = (await runSimulated(virtual['performance.now'] ?? fail)).notes;
    expect(line).toBe('3 3 3 1767225600000');
  });

  test('random values have the form that their functions promise', async () => {
    const { notes, error } = await runSimulated((note) => {
      note(randomUUID());
      for (let round = 0; round < 200; round += 1) {
        const drawn = nodeCrypto.randomInt(5, 8);
        if (![5, 6, 7].includes(drawn)) note('out of bounds', drawn);
      }
      expect(() => nodeCrypto.randomInt(5, 5)).toThrow(RangeError);
      expect(() => globalThis.crypto.getRandomValues(new Float64Array(1) as never)).toThrow();
      const bytes = nodeCrypto.randomFillSync(new Uint16Array(4), 1, 2);
      note([...bytes].map((value) => value > 0));
    });
    expect(error).toBeNull();
    expect(notes[0]).toMatch(/^0 [\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
    expect(notes.slice(1)).toEqual(['0 [false,true,true,false]']);
  });

  test('the same seed gives the same ids in every version', () => {
    const world = still(0);
    const uninstall = installSimulatedGlobals(() => world);
    const drawn = [randomUUID(), nodeCrypto.randomInt(1_000_000), Math.random()];
    uninstall();
    expect(drawn).toMatchInlineSnapshot(`
      [
        "6dcb0591-a3a9-4b5f-b60a-2a93df9a8a9f",
        458402,
        0.6260577887296677,
      ]
    `);
  });

  test('a timer keeps the async context in which it was set', async () => {
    const storage = new AsyncLocalStorage<string>();
    const { notes } = await runSimulated((note) => {
      storage.run('mine', () => {
        setTimeout(() => note(storage.getStore()), 1);
        setImmediate(() => note(storage.getStore()));
      });
    });
    expect(notes).toEqual(['0 mine', '1 mine']);
  });

  test.each([
    ['process.nextTick', () => process.nextTick(() => fail())],
    ['queueMicrotask', () => queueMicrotask(fail)],
    ['setTimeout', () => setTimeout(fail, 1)],
  ])('an exception in %s ends the run, and not the process', async (_name, call) => {
    await expect(runSimulated(call)).rejects.toThrow('not expected to be called');
    expect((await runSimulated((note) => note('goes on'))).notes).toEqual(['0 goes on']);
  });

  test('arguments that Node refuses are refused', async () => {
    const { notes, leaks } = await runSimulated(async (note) => {
      for (const call of [
        () => setTimeout('code' as never, 1),
        () => setImmediate(null as never),
        () => AbortSignal.timeout(-1),
        () => timersPromises.setTimeout(1, null, { signal: 'no' as never }),
        () => timersPromises.setTimeout(1, null, 7 as never),
        () => process.hrtime(7 as never),
      ]) {
        try {
          await call();
          note('accepted');
        } catch (error) {
          note((error as { code: string }).code);
        }
      }
    });
    expect(notes).toEqual([
      '0 ERR_INVALID_ARG_TYPE',
      '0 ERR_INVALID_ARG_TYPE',
      '0 ERR_OUT_OF_RANGE',
      '0 ERR_INVALID_ARG_TYPE',
      '0 ERR_INVALID_ARG_TYPE',
      '0 ERR_INVALID_ARG_TYPE',
    ]);
    expect(leaks).toEqual([]);
  });
});

describe('forbidden inside of a step', () => {
  const known = Object.entries(forbiddenWhereKnown).filter(([name]) => name.slice(4, -2) in globalThis);

  test.each([...Object.entries(forbidden), ...known])(
    '%s is reported at its first use',
    async (name, call) => {
      const { leaks, error } = await runSimulated(call);
      expect(error).toBeInstanceOf(LeakError);
      expect(error).toMatchObject({ code: 'WEIR_SIMULATION_LEAK', leak: leaks[0] });
      expect(leaks).toHaveLength(1);
      expect(leaks[0]?.what).toBe(name);
      expect(leaks[0]?.caller).toMatch(/^test\/chaos\/fixtures\/globals-canaries\.ts:\d+$/);
      expect((error as LeakError).message).toContain(
        `${name} was called by test/chaos/fixtures/globals-canaries.ts:`,
      );
      expect((error as LeakError).remedy).toMatch(/runtime|port|actor|hold|synchronous|queueMicrotask/);
    },
  );

  test('a leak is reported even when the user catches the error', async () => {
    const { leaks, error } = await runSimulated(() => {
      try {
        readFileSync('package.json');
      } catch {
        // What a careless program does: it falls back.
      }
    });
    expect(error).toBeNull();
    expect(leaks.map((leak) => leak.what)).toEqual(['fs.readFileSync']);
  });

  test.each(Object.entries(harmless))('%s stays allowed', async (_name, call) => {
    const { leaks, error } = await runSimulated(call);
    expect(error).toBeNull();
    expect(leaks).toEqual([]);
  });

  test('a module may be loaded in a step', async () => {
    const { notes, leaks, error } = await runSimulated((note) => {
      const late = './fixtures/loaded-late.cjs';
      const require = createRequire(import.meta.url);
      note((require(late) as { readonly loaded: string }).loaded);
    });
    expect({ notes, leaks, error }).toEqual({ notes: ['0 late'], leaks: [], error: null });
  });

  test('nothing is forbidden outside of a step', () => {
    const uninstall = installSimulatedGlobals(() => null);
    const text = readFileSync(fileURLToPath(import.meta.url), 'utf8');
    const weak = new WeakRef({ text });
    uninstall();
    expect(weak.deref()?.text).toBe(text);
  });
});

describe('native imports', () => {
  // The test runner rewrites imports, so the proof that they are reached needs a process without it.
  test('imports by name that were bound before the installation are virtual and forbidden too', async () => {
    const script = `${HERE}fixtures/native-globals.ts`;
    const { stdout } = await promisify(execFile)(process.execPath, [
      '--conditions=weir-source',
      '--import',
      'tsx',
      script,
    ]);
    const report = JSON.parse(stdout) as NativeReport;
    expect(Object.keys(report.traces)).toEqual(Object.keys(virtual));
    for (const [name, [first, second]] of Object.entries(report.traces)) {
      expect(first, name).toEqual((await runSimulated(virtual[name] ?? fail)).notes);
      expect(second, name).toEqual(first);
    }
    expect(report.loading).toEqual([]);
    expect(Object.keys(report.refused)).toEqual(Object.keys(forbidden));
    for (const [name, [what, caller]] of Object.entries(report.refused)) {
      expect(what).toBe(name);
      expect(caller, name).toMatch(/^test\/chaos\/fixtures\/globals-canaries\.ts:\d+$/);
    }
  });
});

describe('installing and taking away', () => {
  const owners: readonly object[] = [
    globalThis,
    Date,
    Date.prototype,
    Math,
    Atomics,
    AbortSignal,
    Intl.DateTimeFormat.prototype,
    Object.getPrototypeOf(performance) as object,
    Object.getPrototypeOf(globalThis.crypto) as object,
    Object.getPrototypeOf(globalThis.crypto.subtle) as object,
    process,
    process.hrtime,
    timers,
    timersPromises,
    Object.getPrototypeOf(timersPromises.scheduler) as object,
    nodeCrypto,
    fs,
    fs.promises,
    ...[
      'net',
      'tls',
      'http',
      'https',
      'http2',
      'dgram',
      'dns',
      'dns/promises',
      'child_process',
      'worker_threads',
      'zlib',
    ].map((name) => createRequire(import.meta.url)(`node:${name}`) as object),
  ];
  const census = (): unknown[] => owners.map((owner) => Object.getOwnPropertyDescriptors(owner));

  test('uninstalling restores every property descriptor, and named imports with them', () => {
    const before = census();
    const original = setTimeout;
    const uninstall = installSimulatedGlobals(() => null);
    expect(setTimeout).not.toBe(original);
    uninstall();
    const after = census();
    for (const [index, descriptors] of before.entries()) {
      const now = after[index] as Record<PropertyKey, PropertyDescriptor>;
      const then = descriptors as Record<PropertyKey, PropertyDescriptor>;
      expect(Reflect.ownKeys(now)).toEqual(Reflect.ownKeys(then));
      for (const key of Reflect.ownKeys(then)) {
        for (const part of ['value', 'get', 'set', 'writable', 'enumerable', 'configurable'] as const) {
          expect(
            now[key]?.[part] === then[key]?.[part] || Number.isNaN(then[key]?.[part]),
            `${String(key)}.${part}`,
          ).toBe(true);
        }
      }
    }
    expect(randomUUID).toBe(nodeCrypto.randomUUID);
  });

  test('installations nest: the latest that answers wins, and the last one that goes restores', () => {
    const original = Date.now;
    let inner: SimulatedSurroundings | null = still(2_000);
    const outer = still(1_000);
    const uninstallOuter = installSimulatedGlobals(() => outer);
    const uninstallInner = installSimulatedGlobals(() => inner);
    expect(Date.now()).toBe(2_000);
    inner = null;
    expect(Date.now()).toBe(1_000);
    uninstallInner();
    uninstallInner();
    expect(Date.now()).toBe(1_000);
    uninstallOuter();
    expect(Date.now).toBe(original);
  });

  test('a function that was copied during one installation works in the next one', () => {
    const first = installSimulatedGlobals(() => null);
    const copied = Date.now;
    first();
    const world = still(7_000);
    const second = installSimulatedGlobals(() => world);
    const seen = copied();
    second();
    expect(seen).toBe(7_000);
    expect(copied()).toBeGreaterThan(7_000);
  });

  test('real timers from outside can be cleared in a step, and virtual ones outside', () => {
    const real = setTimeout(fail, 0);
    const canceled: string[] = [];
    let world: SimulatedSurroundings | null = {
      ...still(0),
      after: (delayMs) => ({ cancel: () => void canceled.push(`${delayMs}`) }),
    };
    const uninstall = installSimulatedGlobals(() => world);
    clearTimeout(real);
    const [timeout, interval, immediate] = [setTimeout(fail, 10), setInterval(fail, 20), setImmediate(fail)];
    world = null;
    clearTimeout(timeout);
    clearInterval(interval);
    clearImmediate(immediate);
    clearTimeout(undefined);
    uninstall();
    expect(canceled).toEqual(['10', '20', '0']);
    expect(Reflect.get(real, '_destroyed')).toBe(true);
  });
});
