// The keyed tumbling count, alone: the window operator against a loop written by hand over the same batches.
//
// 1,000 keys, windows of 10 s, batches of 256; other window operators run first, so that shared code has seen them, as in a
// real job. Prints M records/s and the ratio of one run; ratios are to be trusted, absolutes are not.
//
//   node --conditions=weir-source --import tsx bench/window.ts [--json]

import { silentLogger } from '../src/base/logger.js';
import type { Operator, OperatorContext } from '../src/operators/operator.js';
import { avg, count, sum } from '../src/operators/windows/aggregates.js';
import { sliding, tumbling } from '../src/operators/windows/window-assigners.js';
import { windowOperator } from '../src/operators/windows/window-operator.js';
import { KeyedBackend } from '../src/state/keyed-backend.js';
import { OperatorStateStore } from '../src/state/operator-state.js';

interface Bid {
  readonly auction: number;
  readonly price: number;
}
interface Result {
  readonly key: number;
  readonly start: number;
  readonly count: number;
}

const BATCH = 256;
const BATCHES = 512;
const LAPS = 14;
const KEYS = 1_000;
const WINDOW_MS = 10_000;
const WATERMARK_EVERY_BATCHES = 40;

const batches = Array.from({ length: BATCHES }, (_, batch) => {
  const values = Array.from({ length: BATCH }, (_unused, index): Bid => {
    const seed = (batch * BATCH + index) * 7919;
    return { auction: seed % KEYS, price: seed % 10_000 };
  });
  // 100,000 records a window, slightly out of order.
  const timestamps = values.map((_bid, index) => Math.floor((batch * BATCH + index) / 10) + (index % 3));
  return { values, timestamps };
});
const SPAN_MS = (BATCHES * BATCH) / 10;

let emitted = 0;
const output = {
  emit(value: unknown): void {
    emitted += (value as Result).count;
  },
  side: () => undefined,
  full: false,
};

function contextOf(): OperatorContext {
  const range = { from: 0, to: 127 };
  return {
    name: 'bench',
    uid: 'bench',
    declaredAt: undefined,
    subtask: 0,
    parallelism: 1,
    maxParallelism: 128,
    attempt: 1,
    output,
    operatorState: new OperatorStateStore({ operator: 'bench', subtask: 0, freeze: false }),
    keyed: new KeyedBackend({
      operator: 'bench',
      subtask: 0,
      maxParallelism: 128,
      range,
      freeze: false,
      processingTimeMs: () => 0,
    }),
    logger: silentLogger,
    trials: null,
    metrics: { count: () => undefined },
    processingTimeMs: () => 0,
    currentWatermark: () => 0,
    suspend: () => undefined,
    emitWatermark: () => undefined,
    emitIdle: () => undefined,
    alarm: () => undefined,
  };
}

const never = () => false;

function runOperator(operator: Operator, lap: number): void {
  const offset = lap * SPAN_MS;
  for (let index = 0; index < batches.length; index += 1) {
    const { values, timestamps } = batches[index] as (typeof batches)[number];
    operator.onBatch?.(values, shifted(timestamps, offset), 0, never);
    if (index % WATERMARK_EVERY_BATCHES === 0)
      operator.onWatermark?.(offset + (timestamps[0] as number) - 10);
  }
}

/** Both sides pay for this: laps need times that go on. */
const scratch = new Array<number>(BATCH).fill(0.5);
function shifted(timestamps: readonly number[], offset: number): readonly number[] {
  for (let index = 0; index < timestamps.length; index += 1)
    scratch[index] = (timestamps[index] as number) + offset;
  return scratch;
}

const windows = new Map<number, Map<number, { n: number }>>();
function runByHand(lap: number): void {
  const offset = lap * SPAN_MS;
  let current = -1;
  let counts = new Map<number, { n: number }>();
  for (let index = 0; index < batches.length; index += 1) {
    const { values, timestamps } = batches[index] as (typeof batches)[number];
    const times = shifted(timestamps, offset);
    for (let at = 0; at < values.length; at += 1) {
      const time = times[at] as number;
      const start = time - (time % WINDOW_MS);
      if (start !== current) {
        counts = windows.get(start) ?? new Map();
        windows.set(start, counts);
        current = start;
      }
      const { auction } = values[at] as Bid;
      const held = counts.get(auction);
      if (held === undefined) counts.set(auction, { n: 1 });
      else held.n += 1;
    }
    if (index % WATERMARK_EVERY_BATCHES !== 0) continue;
    const watermark = offset + (timestamps[0] as number) - 10;
    for (const [start, held] of windows) {
      if (start + WINDOW_MS - 1 > watermark) continue;
      for (const [key, { n }] of held) output.emit({ key, start, count: n });
      windows.delete(start);
    }
    current = -1;
  }
}

/** Laps of both in turn, so that a busy machine disturbs both alike; time is what this process has computed. */
function compare(left: (lap: number) => void, right: (lap: number) => void): readonly [number, number] {
  const rates: [number[], number[]] = [[], []];
  for (let lap = 0; lap < LAPS; lap += 1) {
    for (const [side, run] of [left, right].entries()) {
      const started = process.cpuUsage().user;
      run(lap);
      const rate = (BATCH * BATCHES) / (process.cpuUsage().user - started);
      if (lap > 3) (rates[side] as number[]).push(rate);
    }
  }
  return [median(rates[0]), median(rates[1])];
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;
}

function opened(operator: Operator): Operator {
  operator.open(contextOf());
  return operator;
}

const key = (bid: Bid) => bid.auction;
const others = [
  windowOperator({
    key: (bid: Bid) => bid.price % 10,
    assigner: sliding(10_000, 5_000),
    contents: { kind: 'aggregate', aggregate: sum((bid: Bid) => bid.price), windowFunction: null },
  }),
  windowOperator({
    key: (bid: Bid) => `k${bid.auction}`,
    assigner: tumbling(5_000),
    contents: { kind: 'aggregate', aggregate: avg((bid: Bid) => bid.price), windowFunction: null },
  }),
];
for (const other of others) for (let lap = 0; lap < 2; lap += 1) runOperator(opened(other), lap);

const counting = opened(
  windowOperator({
    key,
    assigner: tumbling(WINDOW_MS),
    contents: {
      kind: 'aggregate',
      aggregate: count<Bid>(),
      windowFunction: (auction, window, n): Result => ({ key: auction, start: window.start, count: n }),
    },
  }),
);
emitted = 0;
const [byHand, operator] = compare(runByHand, (lap) => runOperator(counting, lap));
const ratio = operator / byHand;
if (process.argv.includes('--json')) {
  console.log(JSON.stringify({ bench: 'window', byHand, operator, ratio }));
} else {
  console.log(
    `by hand ${byHand.toFixed(1)} M/s, window operator ${operator.toFixed(1)} M/s (${emitted} counted)`,
  );
  console.log(`window: ratio ${ratio.toFixed(2)}`);
}
