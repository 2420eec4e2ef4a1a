// Jobs described with the whole API give the same results whatever the plan: any parallelism, chained or not.

import { describe, expect, test } from 'vitest';
import type { CollectHandle } from '../../src/api/data-stream.js';
import { defineJob, type JobDefinition } from '../../src/api/define-job.js';
import { minutes, seconds } from '../../src/api/durations.js';
import { type ProcessContext, ProcessFunction } from '../../src/operators/process-function.js';
import { sideOutput } from '../../src/operators/side-output.js';
import { mapState } from '../../src/operators/state-handles.js';
import { boundedOutOfOrderness } from '../../src/operators/watermark-generators.js';
import { count, sum } from '../../src/operators/windows/aggregates.js';
import { session, tumbling } from '../../src/operators/windows/window-assigners.js';
import { virtualRuntime } from '../../src/testing/virtual-runtime.js';
import { finishJob, startJob } from '../engine/virtual-job.js';

interface Hit {
  readonly path: string;
  readonly at: number;
  readonly bytes: number;
}

const hits: readonly Hit[] = Array.from({ length: 2_000 }, (_, index) => ({
  path: `/page/${(index * 7) % 5}`,
  at: index * 100 + ((index * 37) % 11) * 50,
  bytes: (index * 31) % 1_000,
}));

const plans = [1, 2, 3].flatMap((parallelism) =>
  [true, false].map((chaining) => ({ parallelism, chaining })),
);

describe.each(plans)('at parallelism $parallelism, chaining $chaining', ({ parallelism, chaining }) => {
  async function results<R>(
    build: (job: (results: CollectHandle<R>) => void) => JobDefinition,
  ): Promise<readonly R[]> {
    const runtime = virtualRuntime({ seed: parallelism });
    const handles: CollectHandle<R>[] = [];
    const job = build((handle) => handles.push(handle));
    const handle = await startJob(runtime, job, { parallelism, chaining });
    await finishJob(runtime, handle);
    return handles.flatMap((collected) => collected.committed()).sort(compareText);
  }

  test('page hits per minute count every hit once', async () => {
    const counted = await results<{ path: string; from: number; hits: number }>((keep) =>
      defineJob('page-hits', (env) => {
        const perMinute = env
          .from(hits)
          .rebalance()
          .map((hit) => ({ ...hit, path: hit.path.toUpperCase() }))
          .filter((hit) => hit.bytes % 2 === 0)
          .assignTimestamps((hit) => hit.at, boundedOutOfOrderness(seconds(5)))
          .keyBy((hit) => hit.path)
          .window(tumbling(minutes(1)))
          .aggregate(count(), (path, window, n) => ({ path, from: window.start, hits: n }));
        keep(perMinute.collect());
      }),
    );
    const expected = new Map<string, number>();
    for (const { path, at, bytes } of hits) {
      if (bytes % 2 !== 0) continue;
      const window = `${path.toUpperCase()} ${at - (at % 60_000)}`;
      expected.set(window, (expected.get(window) ?? 0) + 1);
    }
    expect(new Map(counted.map((row) => [`${row.path} ${row.from}`, row.hits]))).toEqual(expected);
    expect(counted).toHaveLength(expected.size);
  });

  test('branches, unions and side outputs carry every record', async () => {
    const odd = sideOutput<number>('odd');
    const numbers = await results<number>((keep) =>
      defineJob('branches', (env) => {
        const source = env.from([1, 2, 3, 4, 5, 6]);
        const split = source.process({
          *onElement(n, context) {
            if (n % 2 === 1) context.side(odd, n);
            else yield n;
          },
        });
        const tens = split.getSideOutput(odd).map((n) => n * 10);
        keep(split.union(tens, source.rescale(), source.shuffle()).collect());
        keep(source.flatMap((n) => Array.from({ length: n % 3 }, () => n + 100)).collect());
      }),
    );
    const expected = [2, 4, 6, 10, 30, 50, 1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6, 101, 102, 102, 104, 105, 105];
    expect(numbers).toEqual(expected.sort(compareText));
  });

  test('broadcast reaches every subtask, global and custom reach the one', async () => {
    const seen = await results<string>((keep) =>
      defineJob('routes', (env) => {
        const source = env.from(['a', 'b', 'c']);
        keep(
          source
            .broadcast()
            .process(() => new Where('broadcast'))
            .collect(),
        );
        keep(
          source
            .global()
            .process(() => new Where('global'))
            .collect(),
        );
        const toLast = source.partitionCustom(
          (letter) => letter,
          (_, channels) => channels - 1,
        );
        keep(toLast.process(() => new Where('custom')).collect());
      }),
    );
    const everywhere = Array.from({ length: parallelism }, (_, subtask) => subtask);
    const expected = ['a', 'b', 'c'].flatMap((letter) => [
      ...everywhere.map((subtask) => `broadcast ${subtask} ${letter}`),
      `global 0 ${letter}`,
      `custom ${parallelism - 1} ${letter}`,
    ]);
    expect(seen).toEqual(expected.sort(compareText));
  });

  test('state, sessions and rolling results are those of each key', async () => {
    const rows = await results<string>((keep) =>
      defineJob('keyed', (env) => {
        const keyed = env
          .from(hits.slice(0, 200), {
            watermarks: { ...boundedOutOfOrderness(seconds(1)), timestamp: (hit) => hit.at },
          })
          .keyBy((hit) => hit.path);
        const visits = keyed.process(() => {
          const seen = mapState<number, number>('seen');
          return {
            onElement(hit, context) {
              const times = (seen.get(hit.bytes % 10) ?? 0) + 1;
              seen.set(hit.bytes % 10, times);
              if (times === 1) context.timers.event(1_000_000);
            },
            *onTimer(_timestamp, context) {
              yield `${context.key} has ${seen.size} kinds`;
            },
          };
        });
        keep(visits.collect());
        const bytes = keyed.window(session(seconds(30))).aggregate(
          sum((hit) => hit.bytes),
          (key, _, n) => `${key} ${n}`,
        );
        keep(bytes.collect());
        const last = keyed.maxBy('at').filter((hit) => hit.at > 20_000);
        keep(last.map((hit) => `${hit.path} last`).collect());
      }),
    );
    const paths = [...new Set(hits.map((hit) => hit.path))];
    const first = hits.slice(0, 200);
    const expected = paths.flatMap((path) => {
      const own = first.filter((hit) => hit.path === path);
      const kinds = new Set(own.map((hit) => hit.bytes % 10)).size;
      const late = own.filter(
        (_, index) => Math.max(...own.slice(0, index + 1).map((hit) => hit.at)) > 20_000,
      ).length;
      const bytes = own.reduce((total, hit) => total + hit.bytes, 0);
      return [
        `${path} has ${kinds} kinds`,
        `${path} ${bytes}`,
        ...Array.from({ length: late }, () => `${path} last`),
      ];
    });
    expect(rows).toEqual(expected.sort(compareText));
  });
});

class Where extends ProcessFunction<string, string> {
  readonly route: string;
  subtask = -1;

  constructor(route: string) {
    super();
    this.route = route;
  }

  override open(context: { readonly subtask: number }): void {
    this.subtask = context.subtask;
  }

  override onElement(letter: string, context: ProcessContext<string>): void {
    context.emit(`${this.route} ${this.subtask} ${letter}`);
  }
}

function compareText(left: unknown, right: unknown): number {
  const [a, b] = [JSON.stringify(left), JSON.stringify(right)];
  return a < b ? -1 : a > b ? 1 : 0;
}
