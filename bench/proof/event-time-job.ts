// A job of event time: windows, sessions and timers over one stream, their results united into one sink.
//
// Owns:    the job, and its results as a plain fold over the numbers computes them.
// Not:     running and killing it (crash-run.ts).
//
// E1. All of it is a function of event time alone, so every run has the same results, however often it is interrupted.
// E2. The generator has one lane, in order, so nothing is ever late.

import { defineJob, type JobDefinition } from '../../src/api/define-job.js';
import { fileSink } from '../../src/connectors/file-sink.js';
import { generator } from '../../src/connectors/generator.js';
import {
  type KeyedContext,
  KeyedProcessFunction,
  type TimerContext,
} from '../../src/operators/process-function.js';
import { valueState } from '../../src/operators/state-handles.js';
import { monotonous } from '../../src/operators/watermark-generators.js';
import { count } from '../../src/operators/windows/aggregates.js';
import { session, sliding, tumbling } from '../../src/operators/windows/window-assigners.js';
import { type CountingOptions, keyOf, type Numbered } from './counting-job.js';
import type { Account } from './ledger.js';
import { stallingSink, stallingSource } from './stalls.js';

const STEP_MS = 7;
const WINDOW_MS = 300;
const SLIDE_MS = 150;
const GAP_MS = 400;
const ALARM_MS = 250;

interface Result {
  readonly what: 'tumbling' | 'sliding' | 'session' | 'alarm';
  readonly key: string;
  readonly at: number;
  readonly n: number;
}

/** An alarm when a key has been silent for a while. Each record moves it. */
class Alarm extends KeyedProcessFunction<string, Numbered, Result> {
  private readonly due = valueState<number>('due');

  override onElement(_record: Numbered, context: KeyedContext<string, Result>): void {
    const before = this.due.get();
    const due = context.timestamp + ALARM_MS;
    if (before !== undefined && before > context.timestamp) context.timers.deleteEvent(before);
    context.timers.event(due);
    this.due.set(due);
  }

  override onTimer(at: number, context: TimerContext<string, Result>): void {
    context.emit({ what: 'alarm', key: context.key, at, n: 1 });
  }
}

export function eventTimeJob(options: CountingOptions): JobDefinition {
  const { records, keys, ratePerSecond, output, stalls } = options;
  const numbers = generator<Numbered>({
    count: records,
    seed: 1,
    // One lane: records of a key then come in the order of their times, which the alarms need.
    lanes: 1,
    ...(ratePerSecond === null ? {} : { ratePerSecond }),
    make: (id) => ({ id, key: keyOf(id, keys) }),
    timestamp: (_record, id) => id * STEP_MS,
  });
  const files = fileSink<Result>(output);
  const result =
    (what: Result['what']) =>
    (key: string, window: { readonly start: number }, n: number): Result => ({
      what,
      key,
      at: window.start,
      n,
    });
  return defineJob('event-time', (env) => {
    const keyed = env
      .from(stalls === undefined ? numbers : stallingSource(numbers, stalls), {
        uid: 'numbers',
        watermarks: monotonous(),
      })
      .keyBy((record) => record.key);
    const alarms = keyed.process(Alarm).uid('alarms');
    const tumblings = keyed
      .window(tumbling(WINDOW_MS))
      .aggregate(count(), result('tumbling'))
      .uid('tumbling');
    const slidings = keyed
      .window(sliding(WINDOW_MS, SLIDE_MS))
      .aggregate(count(), result('sliding'))
      .uid('sliding');
    const sessions = keyed.window(session(GAP_MS)).aggregate(count(), result('session')).uid('session');
    alarms
      .union(tumblings, slidings, sessions)
      .rebalance()
      .sinkTo(stalls === undefined ? files : stallingSink(files, stalls), { uid: 'results' });
  });
}

/** Accounts for results: each of the fold once, and no other. */
export class ResultLedger {
  private readonly expected: ReadonlySet<string>;
  private readonly times = new Map<string, number>();
  committed = 0;

  constructor(truth: { readonly records: number; readonly keys: number }) {
    this.expected = new Set(fold(truth.records, truth.keys).map((result) => JSON.stringify(result)));
  }

  enter(value: unknown): void {
    this.committed += 1;
    const text = JSON.stringify(value);
    this.times.set(text, (this.times.get(text) ?? 0) + 1);
  }

  account(): Account {
    let duplicated = 0;
    let unexpected = 0;
    for (const [text, times] of this.times) {
      if (!this.expected.has(text)) unexpected += times;
      else duplicated += times - 1;
    }
    const lost = [...this.expected].filter((text) => !this.times.has(text)).length;
    const expected = this.expected.size;
    return { expected, committed: this.committed, lost, duplicated, unexpected, miscounted: 0 };
  }
}

function fold(records: number, keys: number): Result[] {
  const timesOf = new Map<string, number[]>();
  for (let id = 0; id < records; id += 1) {
    const key = keyOf(id, keys);
    timesOf.set(key, [...(timesOf.get(key) ?? []), id * STEP_MS]);
  }
  return [...timesOf].flatMap(([key, times]) => [
    ...windowsOf('tumbling', key, times, WINDOW_MS),
    ...windowsOf('sliding', key, times, SLIDE_MS),
    ...sessionsOf(key, times),
    ...alarmsOf(key, times),
  ]);
}

function windowsOf(what: Result['what'], key: string, times: readonly number[], slideMs: number): Result[] {
  const counts = new Map<number, number>();
  for (const time of times) {
    const newest = Math.floor(time / slideMs) * slideMs;
    for (let at = newest; at > time - WINDOW_MS; at -= slideMs) counts.set(at, (counts.get(at) ?? 0) + 1);
  }
  return [...counts].map(([at, n]) => ({ what, key, at, n }));
}

function sessionsOf(key: string, times: readonly number[]): Result[] {
  const sessions: { at: number; n: number; last: number }[] = [];
  for (const time of times) {
    const open = sessions.at(-1);
    if (open === undefined || time > open.last + GAP_MS) sessions.push({ at: time, n: 1, last: time });
    else Object.assign(open, { n: open.n + 1, last: time });
  }
  return sessions.map(({ at, n }) => ({ what: 'session', key, at, n }));
}

function alarmsOf(key: string, times: readonly number[]): Result[] {
  return times
    .filter((time, index) => (times[index + 1] ?? Number.POSITIVE_INFINITY) >= time + ALARM_MS)
    .map((time) => ({ what: 'alarm', key, at: time + ALARM_MS, n: 1 }));
}
