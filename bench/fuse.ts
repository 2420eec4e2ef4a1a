// How close the fused loop comes to a loop written by hand.
//
// filter, map to a new object, filter, over batches of 256; several other rows run first, so that shared code has seen
// them all, as in a real job. Prints M records/s and the ratio of one run; ratios are to be trusted, absolutes are not.
//
//   node --conditions=weir-source --import tsx bench/fuse.ts [--json]

import { silentLogger } from '../src/base/logger.js';
import { fuseStateless } from '../src/operators/fuse.js';
import type { Operator, OperatorContext } from '../src/operators/operator.js';
import type { NamedStep, StatelessStep } from '../src/operators/stateless-step.js';

interface Bid {
  readonly auction: number;
  readonly bidder: number;
  readonly price: number;
}

const BATCH = 256;
const BATCHES = 512;
const LAPS = 14;

const batches = Array.from({ length: BATCHES }, (_, batch) =>
  Array.from({ length: BATCH }, (_, index): Bid => {
    const seed = batch * BATCH + index;
    return { auction: seed % 1000, bidder: seed % 77, price: (seed * 7919) % 10_000 };
  }),
);
const timestamps = Array.from({ length: BATCH }, (_, index) => 1_700_000_000_000 + index);

const rows: StatelessStep[] = [
  { kind: 'filter', keep: (bid: Bid) => bid.auction % 13 !== 0 },
  {
    kind: 'map',
    apply: (bid: Bid) => ({ auction: bid.auction, bidder: bid.bidder, price: bid.price * 0.908 }),
  },
  { kind: 'filter', keep: (bid: Bid) => bid.price > 1000 },
];
const others: StatelessStep[][] = [
  [{ kind: 'map', apply: (bid: Bid) => bid.price }],
  [{ kind: 'filter', keep: (bid: Bid) => bid.price > 5 }],
  [
    { kind: 'map', apply: (bid: Bid) => [bid.auction, bid.price] },
    { kind: 'filter', keep: (pair: number[]) => pair.length > 1 },
  ],
  [{ kind: 'map', apply: (bid: Bid) => String(bid.price) }],
];

function sink(): { emit(value: unknown, timestamp: number): void; sum: number } {
  const target = {
    sum: 0,
    emit(value: unknown, timestamp: number): void {
      target.sum += (value as Bid).price + timestamp;
    },
  };
  return target;
}

function open(steps: readonly StatelessStep[], codegen: boolean): Operator {
  const named = steps.map(
    (step, index): NamedStep => ({ step, name: `step ${index}`, declaredAt: undefined }),
  );
  const operator = fuseStateless(named, { codegen });
  const { emit } = sink();
  operator.open(contextWith({ emit, side: () => undefined, full: false }));
  return operator;
}

function contextWith(output: OperatorContext['output']): OperatorContext {
  return {
    name: 'bench',
    uid: 'bench',
    declaredAt: undefined,
    subtask: 0,
    parallelism: 1,
    maxParallelism: 128,
    attempt: 1,
    output,
    operatorState: null as never,
    keyed: null,
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

function runOperator(operator: Operator): void {
  for (const values of batches) operator.onBatch?.(values, timestamps, 0, never);
}

function runByHand(target: ReturnType<typeof sink>): void {
  for (const values of batches) {
    for (let index = 0; index < values.length; index += 1) {
      const bid = values[index] as Bid;
      if (bid.auction % 13 === 0) continue;
      const out = { auction: bid.auction, bidder: bid.bidder, price: bid.price * 0.908 };
      if (out.price <= 1000) continue;
      target.emit(out, timestamps[index] as number);
    }
  }
}

/** Laps of all in turn, so that a busy machine disturbs all alike; time is what this process has computed. */
function compare(runs: readonly (() => void)[]): readonly number[] {
  const rates = runs.map((): number[] => []);
  for (let lap = 0; lap < LAPS; lap += 1) {
    for (const [at, run] of runs.entries()) {
      const started = process.cpuUsage().user;
      for (let again = 0; again < 4; again += 1) run();
      const rate = (4 * BATCH * BATCHES) / (process.cpuUsage().user - started);
      if (lap > 2) (rates[at] as number[]).push(rate);
    }
  }
  return rates.map((each) => each.sort((a, b) => a - b)[Math.floor(each.length / 2)] as number);
}

for (const codegen of [true, false]) for (const steps of others) runOperator(open(steps, codegen));
const target = sink();
const generated = open(rows, true);
const closures = open(rows, false);
const [byHand = 0, fused = 0, composed = 0] = compare([
  () => runByHand(target),
  () => runOperator(generated),
  () => runOperator(closures),
]);
const ratio = fused / byHand;
if (process.argv.includes('--json')) {
  console.log(JSON.stringify({ bench: 'fuse', byHand, fused, composed, ratio }));
} else {
  console.log(
    `by hand ${byHand.toFixed(1)} M/s, fused ${fused.toFixed(1)} M/s, closures ${composed.toFixed(1)} M/s`,
  );
  console.log(`fuse: ratio ${ratio.toFixed(2)} (goal 0.80)`);
}
