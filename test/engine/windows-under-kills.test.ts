// Windows, sessions, timers, side outputs and union under random kills: the results are those of a run without any.

import { expect, test } from 'vitest';
import { defineJob, type JobDefinition } from '../../src/api/define-job.js';
import { randomStream } from '../../src/base/random-stream.js';
import { type CollectSink, collectSink } from '../../src/connectors/collect-sink.js';
import { generator } from '../../src/connectors/generator.js';
import {
  type KeyedContext,
  KeyedProcessFunction,
  type TimerContext,
} from '../../src/operators/process-function.js';
import { sideOutput } from '../../src/operators/side-output.js';
import { listState } from '../../src/operators/state-handles.js';
import { boundedOutOfOrderness } from '../../src/operators/watermark-generators.js';
import { count } from '../../src/operators/windows/aggregates.js';
import { session, sliding, tumbling } from '../../src/operators/windows/window-assigners.js';
import { virtualRuntime } from '../../src/testing/virtual-runtime.js';
import { finishJob, killRandomly, startJob } from './virtual-job.js';

interface Click {
  readonly id: number;
  readonly user: number;
  readonly at: number;
}

const CLICKS = 1_500;
const DISORDER_MS = 40;
const odd = sideOutput<string>('odd');

/** Gathers the clicks of a user and gives them back when a timer rings. */
class Gather extends KeyedProcessFunction<number, Click, string> {
  clicks = listState<Click>('clicks');

  override onElement(click: Click, context: KeyedContext<number, string>): void {
    this.clicks.add(click);
    context.timers.event(Math.ceil((click.at + 1) / 300) * 300);
    if (click.id % 2 === 1) context.side(odd, `odd ${click.id}`);
  }

  override *onTimer(timestamp: number, context: TimerContext<number, string>): Generator<string> {
    // Clicks beyond the timer may be there or not, depending on who came first.
    const due = this.clicks.get().filter((click) => click.at < timestamp);
    this.clicks.set(this.clicks.get().filter((click) => click.at >= timestamp));
    const ids = due.map((click) => click.id).sort((a, b) => a - b);
    for (const id of ids) yield `gathered ${context.key} by ${timestamp}: ${id}`;
  }
}

/** A record late by a millisecond would change the results, so the watermark waits for all of the disorder. */
const clicksOf = (seed: number, first: number) =>
  generator({
    count: CLICKS,
    ratePerSecond: 1_000,
    seed,
    lanes: 4,
    make: (seq, random): Click => ({
      id: first + seq,
      user: Math.floor(random.next() * 5),
      at: Math.max(0, seq - Math.floor(random.next() * DISORDER_MS)),
    }),
    timestamp: (click) => click.at,
  });

function clickJob(sink: CollectSink<string>): JobDefinition {
  return defineJob('clicks', (env) => {
    const watermarks = boundedOutOfOrderness(DISORDER_MS);
    const left = env.from(clicksOf(1, 0), { uid: 'left', watermarks });
    const right = env.from(clicksOf(2, 10_000), { uid: 'right', watermarks });
    const clicks = left.union(right);
    const byUser = clicks.keyBy((click) => click.user);
    const tumbled = byUser
      .window(tumbling(100))
      .aggregate(count(), (user, window, clicks) => `tumbling ${user} ${window.start}: ${clicks}`)
      .uid('tumbling');
    const slid = byUser
      .window(sliding(200, 50))
      .aggregate(count(), (user, window, clicks) => `sliding ${user} ${window.start}: ${clicks}`)
      .uid('sliding');
    const sessions = clicks
      .filter((click) => click.id % 40 === 0)
      .keyBy((click) => click.user)
      .window(session(60))
      .aggregate(
        count(),
        (user, window, clicks) => `session ${user} ${window.start}-${window.end}: ${clicks}`,
      )
      .uid('sessions');
    const gathered = byUser.process(Gather).uid('gather');
    tumbled.union(slid, sessions, gathered, gathered.getSideOutput(odd)).sinkTo(sink, { uid: 'out' });
  });
}

async function resultsOf(seed: number, kills: number): Promise<readonly string[]> {
  const runtime = virtualRuntime({ seed });
  const sink = collectSink<string>();
  const handle = await startJob(runtime, clickJob(sink), {
    parallelism: 1 + (seed % 3),
    checkpoint: { dir: '/job', intervalMs: 60 },
    restart: { kind: 'fixedDelay', attempts: 1_000, delayMs: 10 },
  });
  const killed = killRandomly(runtime, handle, randomStream(seed, 'kills'), kills, 120);
  expect((await finishJob(runtime, handle)).state).toBe('FINISHED');
  expect(killed.length).toBeGreaterThanOrEqual(Math.min(kills, 4));
  return [...sink.committed()].sort();
}

test.each([1, 2, 3, 4, 5, 6])(
  'the results of a run with kills are those of a run without (seed %i)',
  async (seed) => {
    const expected = await resultsOf(0, 0);
    expect(expected.length).toBeGreaterThan(4_000);
    expect(await resultsOf(seed, 10)).toEqual(expected);
  },
);
