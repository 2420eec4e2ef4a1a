import fc from 'fast-check';
import { expect, test } from 'vitest';
import { InvariantError } from '../../src/base/assert.js';
import type { StoreWrite } from '../../src/base/runtime.js';
import { type VirtualRuntime, virtualRuntime } from '../../src/testing/virtual-runtime.js';

const put = (key: string, ...value: number[]): StoreWrite => ({
  kind: 'put',
  table: 'a',
  key: [key],
  value: Uint8Array.from(value),
});
const OPTIONS = { tables: ['a'], commitDeadlineMs: 1_000 };
const HANG_MS = OPTIONS.commitDeadlineMs;

async function finish<T>(runtime: VirtualRuntime, work: Promise<T>): Promise<T> {
  let settled = false;
  const mark = (): void => {
    settled = true;
  };
  work.then(mark, mark);
  await runtime.run(() => settled);
  return await work;
}

test('callbacks run one by one, each with all its microtasks', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  const log: string[] = [];
  const step = async (name: string): Promise<void> => {
    log.push(`${name}1`);
    for (let turn = 0; turn < 5; turn += 1) await null;
    queueMicrotask(() => process.nextTick(() => log.push(`${name}2`)));
  };
  for (const name of ['a', 'b', 'c']) runtime.dispatch(() => void step(name));
  expect(log).toEqual([]);
  await runtime.run();
  expect(log).toEqual(['a1', 'a2', 'b1', 'b2', 'c1', 'c2']);
});

test('time jumps to the next timer when nothing else is left', async () => {
  const runtime = virtualRuntime({ seed: 1, startWallMs: 5_000 });
  const log: string[] = [];
  const note = (name: string) => () => log.push(`${name}@${runtime.nowMs}/${runtime.clock.wallMs()}`);
  runtime.timers.after(3_600_000, note('hour'));
  runtime.timers.after(20, note('late'));
  runtime.timers.after(10, note('early'));
  runtime.timers.after(10, note('same'));
  runtime.timers.after(-5, note('past'));
  runtime.timers.after(30, note('never')).cancel();
  runtime.dispatch(note('now'));
  await runtime.advance(15);
  expect(runtime.nowMs).toBe(15);
  await runtime.run();
  expect(log).toEqual([
    'now@0/5000',
    'past@0/5000',
    'early@10/5010',
    'same@10/5010',
    'late@20/5020',
    'hour@3600000/3605000',
  ]);
});

test('cancelling between due and run still prevents the callback', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  let ran = false;
  runtime.timers.after(10, () => second.cancel());
  const second = runtime.timers.after(10, () => {
    ran = true;
  });
  await runtime.run();
  expect(ran).toBe(false);
});

test('a program that never rests does not keep timers from firing', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  let busy = 0;
  const spin = (): void => {
    busy += 1;
    runtime.dispatch(spin);
  };
  spin();
  let fired = -1;
  runtime.timers.after(5, () => {
    fired = busy;
  });
  await runtime.advance(10);
  expect(fired).toBeGreaterThan(4_000);
  expect(runtime.nowMs).toBeLessThanOrEqual(11);
});

test('a program that never rests is reported instead of running for ever', async () => {
  const runtime = virtualRuntime({ seed: 1, stepsMax: 10_000 });
  const tick = (): void => void runtime.timers.after(10, tick);
  tick();
  await expect(runtime.run()).rejects.toThrow(InvariantError);
});

test('what a callback throws comes out of run, and the rest can go on', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  const log: string[] = [];
  runtime.dispatch(() => {
    throw new Error('broken step');
  });
  runtime.dispatch(() => log.push('after'));
  await expect(runtime.run()).rejects.toThrow('broken step');
  await runtime.run();
  expect(log).toEqual(['after']);
});

test('run stops as soon as its condition holds', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  let count = 0;
  for (let index = 0; index < 10; index += 1) {
    runtime.dispatch(() => {
      count += 1;
    });
  }
  await runtime.run(() => count === 3);
  expect(count).toBe(3);
});

test('the same seed gives the same run, another seed another order', async () => {
  const story = async (seed: number): Promise<string> => {
    const runtime = virtualRuntime({ seed, order: 'random' });
    const log: string[] = [];
    for (let index = 0; index < 20; index += 1) {
      runtime.dispatch(() => log.push(`d${index}`));
      runtime.timers.after(0, () => log.push(`t${index}`));
      void runtime.files.stat('/none').then(() => log.push(`f${index}`));
    }
    await runtime.run();
    return `${log.join()} ${runtime.random('x').next()} ${runtime.id('job')}`;
  };
  expect(await story(7)).toBe(await story(7));
  expect(await story(7)).not.toBe(await story(8));
  const dispatched = (await story(9)).match(/d\d+/g);
  expect(dispatched).toEqual(Array.from({ length: 20 }, (_, index) => `d${index}`));
});

test('random streams: one per purpose, undisturbed by the others', () => {
  const draw = (runtime: VirtualRuntime, purpose: string): number[] =>
    Array.from({ length: 5 }, () => runtime.random(purpose).next());
  const alone = draw(virtualRuntime({ seed: 3 }), 'a');
  const runtime = virtualRuntime({ seed: 3 });
  draw(runtime, 'b');
  expect(draw(runtime, 'a')).toEqual(alone);
  expect(draw(runtime, 'a')).not.toEqual(alone);
  expect(draw(runtime.startProcess(), 'a')).not.toEqual(alone);
});

test('nothing of a dead process runs, and nothing that it still asks for takes effect', async () => {
  const first = virtualRuntime({ seed: 1 });
  const log: string[] = [];
  first.dispatch(() => log.push('dispatched'));
  first.timers.after(10, () => log.push('timer'));
  void first.files.stat('/').then(() => log.push('file'));
  const second = first.crashProcess();
  expect([first.alive, second.alive]).toEqual([false, true]);
  first.dispatch(() => log.push('zombie'));
  void first.files.makeDirectory('/zombie').then(() => log.push('zombie file'));
  second.dispatch(() => log.push('next process'));
  await second.advance(100);
  expect(log).toEqual(['next process']);
  expect(second.disk.list('/')).toEqual([]);
});

test('ids and clocks go on over processes: no id twice, no time twice', async () => {
  const first = virtualRuntime({ seed: 1 });
  const ids = [first.id('job'), first.id('job')];
  await first.advance(50);
  const second = first.crashProcess();
  ids.push(second.id('job'), second.id('job'));
  expect(new Set(ids).size).toBe(4);
  expect(second.clock.monotonicMs()).toBe(50);
  second.jumpWall(-1_000);
  expect(second.clock.monotonicMs()).toBe(50);
  expect(second.clock.wallMs()).toBe(1_767_225_600_000 - 950);
});

test('a power cut keeps what is synced and a prefix of the rest; kill -9 keeps everything', async () => {
  const lengths = new Set<number>();
  for (let seed = 0; seed < 200; seed += 1) {
    for (const unsynced of ['lost', 'kept'] as const) {
      const runtime = virtualRuntime({ seed });
      const write = async (): Promise<void> => {
        await runtime.files.makeDirectory('/out');
        await runtime.files.syncDirectory('/');
        const file = await runtime.files.open('/out/log', 'createNew');
        await runtime.files.syncDirectory('/out');
        await file.append(Buffer.from('durable '));
        await file.sync();
        await file.append(Buffer.from('not'));
      };
      await finish(runtime, write());
      const text = runtime.crashProcess({ unsynced }).disk.readText('/out/log') ?? '';
      expect('durable not'.startsWith(text) && text.length >= 8).toBe(true);
      if (unsynced === 'kept') expect(text).toBe('durable not');
      else lengths.add(text.length);
    }
  }
  expect([...lengths].sort((a, b) => a - b)).toEqual([8, 9, 10, 11]);
});

test('an entry that was not synced may be gone, a rename is never half done', async () => {
  const outcomes = new Set<string>();
  for (let seed = 0; seed < 200; seed += 1) {
    const runtime = virtualRuntime({ seed });
    runtime.disk.write('/staging/part', 'x');
    runtime.disk.makeDirectory('/final');
    await finish(runtime, runtime.files.rename('/staging/part', '/final/part'));
    if (seed % 2 === 1) await finish(runtime, runtime.files.syncDirectory('/staging'));
    const { disk } = runtime.crashProcess();
    outcomes.add(
      [...disk.list('/staging').map(() => 'staging'), ...disk.list('/final').map(() => 'final')].join(),
    );
  }
  expect([...outcomes].sort()).toEqual(['final', 'staging']);

  const runtime = virtualRuntime({ seed: 1 });
  runtime.disk.write('/staging/part', 'x');
  runtime.disk.makeDirectory('/final');
  await finish(runtime, runtime.files.rename('/staging/part', '/final/part'));
  await finish(runtime, runtime.files.syncDirectory('/staging'));
  await finish(runtime, runtime.files.syncDirectory('/final'));
  expect(runtime.crashProcess().disk.readText('/final/part')).toBe('x');
});

test('a rename whose target is synced outlives the removal of the directory that it emptied', async () => {
  for (let seed = 0; seed < 50; seed += 1) {
    const runtime = virtualRuntime({ seed });
    runtime.disk.write('/out/staging/part', 'x');
    await finish(runtime, runtime.files.rename('/out/staging/part', '/out/part'));
    await finish(runtime, runtime.files.syncDirectory('/out'));
    await finish(runtime, runtime.files.removeDirectory('/out/staging'));
    if (seed % 2 === 1) await finish(runtime, runtime.files.syncDirectory('/out'));
    expect(runtime.crashProcess().disk.readText('/out/part')).toBe('x');
  }
});

test('directories become durable in any order of their syncs, and only by them', async () => {
  const unsynced = new Set<string>();
  for (let seed = 0; seed < 20; seed += 1) {
    const runtime = virtualRuntime({ seed });
    for (const path of ['/a', '/b']) runtime.disk.makeDirectory(path);
    for (const path of ['/a/file', '/b/file']) await finish(runtime, runtime.files.open(path, 'createNew'));
    await finish(runtime, runtime.files.syncDirectory('/b'));
    if (seed % 2 === 1) await finish(runtime, runtime.files.syncDirectory('/a'));
    const { disk } = runtime.crashProcess();
    expect(disk.list('/b')).toEqual(['file']);
    if (seed % 2 === 1) expect(disk.list('/a')).toEqual(['file']);
    else unsynced.add(disk.list('/a').join());
  }
  expect([...unsynced].sort()).toEqual(['', 'file']);
});

test('faults of files: by code, for ever, and half an append', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  const file = await finish(runtime, runtime.files.open('/log', 'append'));
  runtime.faults.files = (operation) =>
    operation === 'append' ? 'ENOSPC' : operation === 'sync' ? 'hang' : null;
  const sizes = new Set<number>();
  for (let round = 0; round < 50; round += 1) {
    const before = runtime.disk.read('/log')?.length ?? 0;
    await expect(finish(runtime, file.append(Buffer.from('abc')))).rejects.toMatchObject({ code: 'ENOSPC' });
    sizes.add((runtime.disk.read('/log')?.length ?? 0) - before);
  }
  expect([...sizes].sort()).toEqual([0, 1, 2, 3]);
  let settled = false;
  file.sync().finally(() => {
    settled = true;
  });
  await runtime.run();
  expect(settled).toBe(false);
});

test('a commit that resolved survives; one in flight may or may not', async () => {
  const seen = new Set<string>();
  for (let seed = 0; seed < 100; seed += 1) {
    const runtime = virtualRuntime({ seed });
    const env = await finish(runtime, runtime.keyValues.open('/store', OPTIONS));
    await finish(runtime, env.commit([put('x', 1)]));
    void env.commit([put('x', 2), put('y', 2)]);
    const next = runtime.crashProcess();
    const again = await finish(next, next.keyValues.open('/store', OPTIONS));
    seen.add(`${again.get('a', ['x'])} ${again.get('a', ['y'])}`);
  }
  expect([...seen].sort()).toEqual(['1 undefined', '2 2']);
});

test.each([
  ['reject', ['1']],
  ['rejectVisible', ['1', '2']],
  ['rejectWritten', ['2']],
  ['hang', ['1']],
  ['hangWritten', ['2']],
] as const)(
  'a commit with the fault %s poisons, and leaves %s after a power cut',
  async (fault, expected) => {
    const seen = new Set<string>();
    for (let seed = 0; seed < 50; seed += 1) {
      const runtime = virtualRuntime({ seed });
      const env = await finish(runtime, runtime.keyValues.open('/store', OPTIONS));
      await finish(runtime, env.commit([put('x', 1)]));
      runtime.faults.keyValues = (operation) => (operation === 'commit' ? fault : null);
      const before = runtime.nowMs;
      await expect(finish(runtime, env.commit([put('x', 2)]))).rejects.toMatchObject({
        code: 'WEIR_STORE_POISONED',
      });
      expect(runtime.nowMs - before).toBe(fault.startsWith('hang') ? HANG_MS : 0);
      if (fault === 'rejectVisible') expect(env.get('a', ['x'])).toEqual(Uint8Array.of(2));
      runtime.faults.keyValues = null;
      await expect(env.commit([put('x', 3)])).rejects.toMatchObject({ code: 'WEIR_STORE_POISONED' });
      await finish(runtime, env.close());
      if (fault.startsWith('hang')) {
        await expect(finish(runtime, runtime.keyValues.open('/store', OPTIONS))).rejects.toThrow('in use');
      }
      const next = runtime.crashProcess();
      const again = await finish(next, next.keyValues.open('/store', OPTIONS));
      seen.add(String(again.get('a', ['x'])));
    }
    expect([...seen].sort()).toEqual(expected);
  },
);

test('a full disk refuses one commit and nothing more; a slow one is only slow', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  const env = await finish(runtime, runtime.keyValues.open('/store', OPTIONS));
  runtime.faults.keyValues = () => 'full';
  await expect(finish(runtime, env.commit([put('x', 1)]))).rejects.toMatchObject({ code: 'WEIR_STORE' });
  runtime.faults.keyValues = () => ({ delayMs: 900 });
  await finish(runtime, env.commit([put('x', 2)]));
  expect(runtime.nowMs).toBe(900);
  expect(env.get('a', ['x'])).toEqual(Uint8Array.of(2));
});

test('an owner on another host fences the earlier one: its late commits write nothing', async () => {
  const here = virtualRuntime({ seed: 1 });
  const old = await finish(here, here.keyValues.open('/store', OPTIONS));
  const there = here.startProcess({ host: 'there' });
  const young = await finish(there, there.keyValues.open('/store', OPTIONS));
  await finish(there, young.commit([put('x', 1)]));
  await expect(finish(here, old.commit([put('x', 2)]))).rejects.toMatchObject({ code: 'WEIR_STORE_FENCED' });
  expect(young.get('a', ['x'])).toEqual(Uint8Array.of(1));
  const back = here.keyValues.open('/store', { ...OPTIONS, ownedBefore: old.owner });
  await expect(finish(here, back)).rejects.toMatchObject({ code: 'WEIR_STORE_FENCED' });
  await finish(there, young.commit([put('x', 3)]));
});

test('a process on the same host is refused until the owner is gone', async () => {
  const first = virtualRuntime({ seed: 1 });
  await finish(first, first.keyValues.open('/store', OPTIONS));
  const second = first.startProcess();
  await expect(finish(second, second.keyValues.open('/store', OPTIONS))).rejects.toThrow('in use');
  first.crashProcess();
  await finish(second, second.keyValues.open('/store', OPTIONS));
});

test('a test can damage a row, and the owner reads the damage', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  const env = await finish(runtime, runtime.keyValues.open('/store', OPTIONS));
  await finish(runtime, env.commit([put('x', 1, 2), put('y', 1)]));
  runtime.stores.damage('/store', 'a', ['x'], (bytes) => bytes.map((byte) => byte ^ 1));
  runtime.stores.damage('/store', 'a', ['y'], () => null);
  expect(env.get('a', ['x'])).toEqual(Uint8Array.of(0, 3));
  expect(env.keys('a', {})).toEqual([['x']]);
});

test('timers fire in order of their time, whatever the order of their making', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(fc.nat(50), fc.boolean()), { maxLength: 60 }), async (plan) => {
      const runtime = virtualRuntime({ seed: 1 });
      const fired: string[] = [];
      for (const [index, [delayMs, isCancelled]] of plan.entries()) {
        const timer = runtime.timers.after(delayMs, () => fired.push(`${index}@${runtime.nowMs}`));
        if (isCancelled) timer.cancel();
      }
      await runtime.run();
      const expected = plan
        .map(([delayMs, isCancelled], index) => ({ delayMs, isCancelled, index }))
        .filter((timer) => !timer.isCancelled)
        .sort((a, b) => a.delayMs - b.delayMs || a.index - b.index)
        .map((timer) => `${timer.index}@${timer.delayMs}`);
      expect(fired).toEqual(expected);
    }),
    { numRuns: 50 },
  );
});
