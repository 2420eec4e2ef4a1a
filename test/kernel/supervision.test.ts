// S1 to S5, S21, F03, F07: supervision as in OTP.

import { expect, test } from 'vitest';
import type {
  ActorContext,
  ActorRef,
  RestartType,
  SpawnOptions,
  SupervisionOptions,
} from '../../actors/kernel/actor.js';
import { EscalatedError, RestartLimitError } from '../../actors/kernel/actor-errors.js';
import { ConfigError } from '../../src/base/errors.js';
import { gate, type KernelBench, kernelBench } from './kernel-bench.js';

type Command = 'fail' | 'end' | 'ping';

interface Family {
  readonly log: string[];
  readonly children: Map<string, ActorRef<Command>>;
  readonly supervisor: ActorRef<never>;
}

/** A supervisor with children that log their starts and stops, each started before the next. */
function family(
  bench: KernelBench,
  supervision: SupervisionOptions,
  children: readonly (SpawnOptions & { readonly name: string })[],
  own: SpawnOptions = {},
): Family {
  const log: string[] = [];
  const refs = new Map<string, ActorRef<Command>>();
  const supervisor = bench.system.spawn<never>(
    async (context) => {
      log.push('+sup');
      for (const options of children) {
        refs.set(
          options.name,
          await context.spawnStarted<Command>((child) => member(child, options.name, log), options),
        );
      }
      return { onMessage: () => undefined, postStop: ({ kind }) => void log.push(`-sup ${kind}`) };
    },
    { name: 'sup', supervision, ...own },
  );
  return { log, children: refs, supervisor };
}

function member(context: ActorContext<Command>, name: string, log: string[]) {
  log.push(`+${name}`);
  return {
    async onMessage(command: Command) {
      if (command === 'fail') throw new Error(`${name} failed`);
      if (command === 'end') await context.stop();
    },
    postStop: ({ kind }: { kind: string }) => void log.push(`-${name} ${kind}`),
  };
}

const trio = (restart: RestartType = 'permanent') => ['a', 'b', 'c'].map((name) => ({ name, restart }));

test('oneForOne restarts the failed child alone', async () => {
  const bench = kernelBench();
  const { log, children } = family(bench, {}, trio());
  await bench.settle();
  log.length = 0;
  children.get('b')?.offer('fail');
  await bench.settle();
  expect(log).toEqual(['-b failed', '+b']);
});

test('oneForAll stops the others in reverse order and starts all in order', async () => {
  const bench = kernelBench();
  const { log, children } = family(bench, { strategy: 'oneForAll' }, trio());
  await bench.settle();
  log.length = 0;
  children.get('b')?.offer('fail');
  await bench.settle();
  // The failed one runs its last hook while the others stop.
  expect(log.filter((line) => line !== '-b failed')).toEqual([
    '-c shutdown',
    '-a shutdown',
    '+a',
    '+b',
    '+c',
  ]);
  expect(log).toContain('-b failed');
});

test('restForOne stops and starts those that were started after the failed one', async () => {
  const bench = kernelBench();
  const { log, children } = family(bench, { strategy: 'restForOne' }, trio());
  await bench.settle();
  log.length = 0;
  children.get('b')?.offer('fail');
  await bench.settle();
  expect(log.filter((line) => line !== '-b failed')).toEqual(['-c shutdown', '+b', '+c']);
});

test('a group restart starts the next only when the one before it has set up', async () => {
  const bench = kernelBench();
  const door = gate();
  const log: string[] = [];
  let lives = 0;
  let failing: ActorRef<string> | null = null;
  bench.system.spawn<never>(
    (context) => {
      const slow = async () => {
        lives += 1;
        log.push(`slow ${lives} begins`);
        if (lives === 2) await door.promise;
        log.push(`slow ${lives} is up`);
        return { onMessage: () => undefined };
      };
      context.spawn(slow, { restart: 'permanent' });
      failing = context.spawn<string>(
        () => {
          log.push('second');
          return {
            onMessage: () => {
              throw new Error('x');
            },
          };
        },
        { restart: 'permanent' },
      );
      return { onMessage: () => undefined };
    },
    { supervision: { strategy: 'oneForAll' } },
  );
  await bench.settle();
  (failing as ActorRef<string> | null)?.offer('fail');
  await bench.settle();
  expect(log.slice(3)).toEqual(['slow 2 begins']);
  door.open();
  await bench.settle();
  expect(log.slice(3)).toEqual(['slow 2 begins', 'slow 2 is up', 'second']);
});

test('temporary siblings are stopped by a group restart and not started again', async () => {
  const bench = kernelBench();
  const members = [
    { name: 'a' },
    { name: 'b', restart: 'permanent' as const },
    { name: 'c', restart: 'transient' as const },
  ];
  const { log, children } = family(bench, { strategy: 'oneForAll' }, members);
  await bench.settle();
  log.length = 0;
  children.get('b')?.offer('fail');
  await bench.settle();
  expect(log.filter((line) => line.startsWith('+'))).toEqual(['+b', '+c']);
  expect(bench.system.find('/sup/a')).toBe(null);
});

test('a group restart keeps the mailboxes of all its members', async () => {
  const bench = kernelBench();
  const log: string[] = [];
  const refs: ActorRef<string>[] = [];
  bench.system.spawn<never>(
    (context) => {
      for (const name of ['a', 'b']) {
        const setup = () => ({
          onMessage(message: string) {
            log.push(`${name}:${message}`);
            if (message === 'fail') throw new Error('x');
          },
        });
        refs.push(context.spawn<string>(setup, { name, restart: 'permanent' }));
      }
      return { onMessage: () => undefined };
    },
    { supervision: { strategy: 'oneForAll' } },
  );
  await bench.settle();
  refs[1]?.offer('fail');
  refs[1]?.offer('after');
  await bench.settle();
  refs[0]?.offer('still here');
  await bench.settle();
  expect(log).toEqual(['b:fail', 'b:after', 'a:still here']);
});

test.each([
  ['permanent', ['-a normal', '+a'], ['-a failed', '+a']],
  ['transient', ['-a normal'], ['-a failed', '+a']],
  ['temporary', ['-a normal'], ['-a failed']],
] as const)('%s: what follows a normal end and a failure', async (restart, afterEnd, afterFailure) => {
  for (const [command, expected] of [
    ['end', afterEnd],
    ['fail', afterFailure],
  ] as const) {
    const bench = kernelBench();
    const { log, children } = family(bench, {}, [{ name: 'a', restart }]);
    await bench.settle();
    log.length = 0;
    children.get('a')?.offer(command);
    await bench.settle();
    expect(log).toEqual(expected);
  }
});

test('a child that its supervisor or the system stopped is not restarted, whatever its type', async () => {
  const bench = kernelBench();
  const { log, children } = family(bench, { strategy: 'oneForAll' }, trio());
  await bench.settle();
  log.length = 0;
  const b = children.get('b');
  if (b !== undefined) void bench.system.stop(b);
  await bench.settle();
  expect(log).toEqual(['-b shutdown']);
});

test('one restart more than allowed within the period: the supervisor stops its children and fails', async () => {
  const bench = kernelBench();
  const own: SpawnOptions = { restart: 'permanent' };
  const { log, children } = family(bench, { restartsMax: 2, periodMs: 1_000 }, trio(), own);
  await bench.settle();
  log.length = 0;
  for (let n = 0; n < 3; n += 1) {
    children.get('a')?.offer('fail');
    await bench.settle();
  }
  expect(log).toEqual([
    ...['-a failed', '+a', '-a failed', '+a'],
    // a is gone, the others go in reverse order, then the supervisor; its own supervisor starts it anew.
    ...['-c shutdown', '-b shutdown', '-a failed', '-sup failed', '+sup', '+a', '+b', '+c'],
  ]);
  expect(bench.system.snapshot().children[0]).toMatchObject({ restarts: 1, state: 'running' });
  expect(bench.system.snapshot().children[0]?.lastError).toMatch(
    /gave up on \/sup\/a: more than 2 restarts within 1000 ms, at last after: a failed/,
  );
});

test('the period slides: restarts that are old enough no longer count', async () => {
  const bench = kernelBench();
  const { log, children } = family(bench, { restartsMax: 1, periodMs: 1_000 }, trio());
  await bench.settle();
  for (let n = 0; n < 5; n += 1) {
    children.get('a')?.offer('fail');
    await bench.runtime.advance(1_002);
  }
  expect(log.filter((line) => line === '+a')).toHaveLength(6);
  expect(bench.failures).toEqual([]);
});

test('an actor that always fails does not spin: the limit escalates once, up to the system', async () => {
  const bench = kernelBench();
  let starts = 0;
  bench.system.spawn<never>(
    () => {
      starts += 1;
      throw new Error('always');
    },
    { restart: 'permanent' },
  );
  const error = await Promise.race([
    bench.system.terminated,
    bench.runtime.advance(10_000).then(() => 'still running'),
  ]);
  expect(error).toBeInstanceOf(RestartLimitError);
  expect(starts).toBe(2);
  expect(bench.failures).toEqual([error]);
});

test('back-off waits longer each time, up to the maximum, and starts over after a healthy period', async () => {
  let healthy = false;
  const patient = kernelBench({
    supervision: {
      restartsMax: 100,
      periodMs: 1_000,
      backoff: { initialMs: 100, maxMs: 500, factor: 2, jitter: 0 },
    },
  });
  const at: number[] = [];
  const flaky = patient.system.spawn<string>(
    (context) => {
      at.push(patient.runtime.nowMs);
      if (!healthy) context.self.control('fail');
      return {
        onMessage: () => {
          throw new Error('x');
        },
      };
    },
    { restart: 'permanent' },
  );
  await patient.runtime.advance(2_000);
  const gaps = at.slice(1, 6).map((time, index) => time - (at[index] ?? 0));
  expect(gaps).toEqual([100, 200, 400, 500, 500]);
  healthy = true;
  await patient.runtime.advance(5_000);
  at.length = 0;
  const failedAt = patient.runtime.nowMs;
  flaky.offer('fail');
  await patient.runtime.advance(1_000);
  expect(at).toEqual([failedAt + 100]);
});

test('jitter takes away up to its fraction of the delay', async () => {
  const delays = new Set<number>();
  for (let seed = 0; seed < 20; seed += 1) {
    const bench = kernelBench({
      seed,
      supervision: { backoff: { initialMs: 1_000, maxMs: 1_000, factor: 1, jitter: 0.5 } },
    });
    const at: number[] = [];
    const ref = bench.system.spawn<string>(
      () => {
        at.push(bench.runtime.nowMs);
        return {
          onMessage: () => {
            throw new Error('x');
          },
        };
      },
      { restart: 'permanent' },
    );
    ref.offer('fail');
    await bench.runtime.advance(2_000);
    delays.add((at[1] ?? 0) - (at[0] ?? 0));
  }
  expect(Math.min(...delays)).toBeGreaterThanOrEqual(500);
  expect(Math.max(...delays)).toBeLessThanOrEqual(1_000);
  expect(delays.size).toBeGreaterThan(15);
});

test('a group that waits for its restart takes a further failure into the same restart', async () => {
  const bench = kernelBench();
  const backoff = { initialMs: 100, maxMs: 100, factor: 1, jitter: 0 };
  const { log, children } = family(bench, { strategy: 'restForOne', restartsMax: 5, backoff }, trio());
  await bench.settle();
  log.length = 0;
  children.get('c')?.offer('fail');
  await bench.runtime.advance(50);
  children.get('a')?.offer('fail');
  await bench.runtime.advance(99);
  expect(log.filter((line) => line.startsWith('+'))).toEqual([]);
  await bench.runtime.advance(10);
  expect(log.filter((line) => line.startsWith('+'))).toEqual(['+a', '+b', '+c']);
});

test('a stop ends what waits for its restart', async () => {
  const bench = kernelBench();
  const backoff = { initialMs: 1_000, maxMs: 1_000, factor: 1, jitter: 0 };
  const { log, children } = family(bench, { backoff }, trio());
  await bench.settle();
  const b = children.get('b');
  b?.offer('fail');
  await bench.settle();
  b?.offer('ping');
  expect(bench.system.snapshot().children[0]?.children[1]?.state).toBe('restarting');
  if (b !== undefined) await bench.system.stop(b);
  await bench.runtime.advance(5_000);
  expect(log.filter((line) => line === '+b')).toHaveLength(1);
  expect(bench.letters.map(({ message, reason }) => [message, reason])).toEqual([
    ['fail', 'handlerFailed'],
    ['ping', 'failed'],
  ]);
});

test('decide overrides the type: restart a temporary child, stop a permanent one, escalate', async () => {
  const bench = kernelBench();
  const verdicts = { a: 'restart', b: 'stop', c: 'escalate' } as const;
  const decide: SupervisionOptions['decide'] = ({ child }) => verdicts[child.at(-1) as 'a' | 'b' | 'c'];
  const members = [{ name: 'a' }, { name: 'b', restart: 'permanent' as const }, { name: 'c' }];
  const { log, children } = family(bench, { decide }, members);
  await bench.settle();
  log.length = 0;
  children.get('a')?.offer('fail');
  await bench.settle();
  expect(log).toEqual(['-a failed', '+a']);
  children.get('b')?.offer('fail');
  await bench.settle();
  expect(log).toEqual(['-a failed', '+a', '-b failed']);
  children.get('c')?.offer('fail');
  await bench.settle();
  expect(log.at(-1)).toBe('-sup failed');
  expect(
    bench.log.some(({ fields }) => String(fields['error']).includes('escalates the failure of /sup/c')),
  ).toBe(true);
});

test.each([
  [
    'throws',
    () => {
      throw new Error('policy');
    },
  ],
  ['answers nonsense', () => 'perhaps' as unknown as 'stop'],
  ['answers a promise', () => Promise.resolve('restart') as unknown as 'stop'],
])('a policy that %s means escalate, is logged, and never wedges', async (_how, decide) => {
  const bench = kernelBench({ supervision: { decide } });
  const ref = bench.system.spawn<string>(
    () => ({
      onMessage: () => {
        throw new Error('child');
      },
    }),
    { restart: 'permanent' },
  );
  ref.offer('fail');
  await bench.settle();
  expect(await bench.system.terminated).toBeInstanceOf(EscalatedError);
  expect(bench.log.filter(({ message }) => message.startsWith('supervision.decide'))).toHaveLength(1);
});

test('autoShutdown anySignificant: the end of one significant child ends the supervisor, in order', async () => {
  const bench = kernelBench();
  const members = [{ name: 'a', significant: true }, { name: 'b', significant: true }, { name: 'c' }];
  const { log, children } = family(bench, { autoShutdown: 'anySignificant' }, members);
  await bench.settle();
  log.length = 0;
  children.get('c')?.offer('end');
  await bench.settle();
  expect(log).toEqual(['-c normal']);
  children.get('a')?.offer('end');
  await bench.settle();
  expect(log).toEqual(['-c normal', '-a normal', '-b shutdown', '-sup shutdown']);
});

test('autoShutdown allSignificant: the end of the last significant child ends the supervisor', async () => {
  const bench = kernelBench();
  const members = [
    { name: 'a', significant: true },
    { name: 'b', significant: true, restart: 'transient' as const },
    { name: 'c', restart: 'permanent' as const },
  ];
  const { log, children } = family(bench, { autoShutdown: 'allSignificant' }, members);
  await bench.settle();
  children.get('a')?.offer('fail');
  await bench.settle();
  expect(log.at(-1)).toBe('-a failed');
  children.get('b')?.offer('end');
  await bench.settle();
  expect(log.slice(-3)).toEqual(['-b normal', '-c shutdown', '-sup shutdown']);
});

test('a significant child cannot be permanent', () => {
  const { system } = kernelBench();
  const spawn = () =>
    system.spawn(() => ({ onMessage: () => undefined }), { significant: true, restart: 'permanent' });
  expect(spawn).toThrow(ConfigError);
});

test('a stop goes through the tree in reverse order of the starts, children before their parent', async () => {
  const bench = kernelBench();
  const log: string[] = [];
  const node = (name: string, children: readonly string[]) => async (context: ActorContext<never>) => {
    log.push(`+${name}`);
    for (const child of children) await context.spawnStarted(node(`${name}.${child}`, []));
    return { onMessage: () => undefined, postStop: () => void log.push(`-${name}`) };
  };
  const tree = bench.system.spawn<never>(node('x', ['1', '2']));
  bench.system.spawn<never>(node('y', ['1']));
  await bench.settle();
  expect(log).toEqual(['+x', '+y', '+x.1', '+y.1', '+x.2']);
  log.length = 0;
  void bench.system.stop(tree);
  await bench.settle();
  expect(log).toEqual(['-x.2', '-x.1', '-x']);
});

test('an actor that does not stop in time is abandoned, and its siblings and parent stop all the same', async () => {
  const bench = kernelBench();
  const log: string[] = [];
  const parent = bench.system.spawn<never>((context) => {
    context.spawn(() => ({ onMessage: () => undefined, postStop: () => void log.push('first') }));
    const stuck = context.spawn<string>(() => ({ onMessage: () => new Promise<void>(() => undefined) }), {
      name: 'stuck',
      stopTimeoutMs: 300,
    });
    stuck.offer('hang');
    return { onMessage: () => undefined, postStop: () => void log.push('parent') };
  });
  await bench.settle();
  const stopped = bench.system.stop(parent);
  await bench.runtime.advance(299);
  expect(log).toEqual([]);
  await bench.runtime.advance(5);
  await stopped;
  expect(log).toEqual(['first', 'parent']);
});

test('the time that children take to stop does not count against their parent', async () => {
  const bench = kernelBench();
  const log: string[] = [];
  const door = gate();
  const parent = bench.system.spawn<string>(
    (context) => {
      context.spawn(
        ({ runtime }) => ({
          onMessage: () => undefined,
          postStop: () => new Promise<void>((resolve) => void runtime.timers.after(300, resolve)),
        }),
        { stopTimeoutMs: 1_000 },
      );
      return { onMessage: () => door.promise, postStop: ({ kind }) => void log.push(kind) };
    },
    { stopTimeoutMs: 100 },
  );
  parent.offer('work');
  await bench.settle();
  const stopped = bench.system.stop(parent);
  await bench.runtime.advance(50);
  door.open();
  await bench.runtime.advance(400);
  await stopped;
  expect(log).toEqual(['shutdown']);
});

test('a supervisor that is stopping restarts nobody and gives up on nobody: its handler in hand may finish', async () => {
  const bench = kernelBench();
  const log: string[] = [];
  const door = gate();
  let starts = 0;
  let child: ActorRef<string> | null = null;
  const parent = bench.system.spawn<string>(
    (context) => {
      child = context.spawn<string>(
        () => {
          starts += 1;
          return {
            onMessage: () => {
              throw new Error('x');
            },
          };
        },
        { restart: 'permanent' },
      );
      return {
        async onMessage() {
          await door.promise;
          log.push('finished');
        },
        postStop: ({ kind }) => void log.push(kind),
      };
    },
    { supervision: { restartsMax: 0 } },
  );
  parent.offer('work');
  await bench.settle();
  const stopped = bench.system.stop(parent);
  (child as ActorRef<string> | null)?.offer('fail');
  await bench.settle();
  door.open();
  await bench.settle();
  await stopped;
  expect(log).toEqual(['finished', 'shutdown']);
  expect(starts).toBe(1);
});

test('a group of ten thousand restarts without a deep stack', async () => {
  const bench = kernelBench();
  let starts = 0;
  let first: ActorRef<string> | null = null;
  bench.system.spawn<never>(
    (context) => {
      for (let n = 0; n < 10_000; n += 1) {
        const setup = () => {
          starts += 1;
          return { onMessage: () => undefined };
        };
        const ref = context.spawn<string>(setup, { restart: 'permanent' });
        first ??= ref;
      }
      return { onMessage: () => undefined };
    },
    { supervision: { strategy: 'oneForAll' } },
  );
  await bench.runtime.advance(100);
  if (first !== null) bench.system.crash(first, new Error('fault'));
  await bench.runtime.advance(100);
  expect(starts).toBe(20_000);
});

test('ten thousand children stop without a deep stack', async () => {
  const bench = kernelBench();
  const parent = bench.system.spawn<never>((context) => {
    for (let n = 0; n < 10_000; n += 1) context.spawn(() => ({ onMessage: () => undefined }));
    return { onMessage: () => undefined };
  });
  await bench.settle();
  const stopped = bench.system.stop(parent);
  await bench.runtime.advance(100);
  await stopped;
  expect(bench.system.snapshot().children).toEqual([]);
});
