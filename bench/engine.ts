// The whole engine against a loop written by hand: filter, map, keyBy, tumbling count; checkpoints each second.
//
// The loop does the same work with a Map per window and nothing around it. Both read the same array in this process, in
// turns; the figure to look at is the ratio.
//
//   npm run bench -- engine [--json] [--records n] [--rounds n]
//
// Not measured: more than one thread (there is one), sources and sinks outside the process, state beyond memory.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { boundedOutOfOrderness, count, defineJob, forEachSink, run, tumbling } from 'weirjs';

interface EngineFigures {
  readonly records: number;
  readonly engineMrecPerS: number;
  readonly loopMrecPerS: number;
  readonly ratio: number;
  readonly checkpoints: number;
}

interface Bid {
  readonly auction: number;
  readonly price: number;
  readonly at: number;
}

const WINDOW_MS = 10_000;
const AUCTIONS = 1_000;

function makeBids(records: number): readonly Bid[] {
  let state = 42;
  const next = (): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return state;
  };
  // 100 records per ms of event time: a window holds a million.
  return Array.from({ length: records }, (_, index) => ({
    auction: next() % AUCTIONS,
    price: next() % 1_000,
    at: Math.floor(index / 100),
  }));
}

function loop(bids: readonly Bid[]): number {
  const windows = new Map<number, Map<number, { n: number }>>();
  let results = 0;
  for (const bid of bids) {
    if (bid.price <= 200) continue;
    const mapped = { auction: bid.auction, at: bid.at };
    const start = mapped.at - (mapped.at % WINDOW_MS);
    let window = windows.get(start);
    if (window === undefined) {
      window = new Map();
      windows.set(start, window);
      for (const [other, content] of windows) {
        if (other + WINDOW_MS > start - 1) continue;
        results += content.size;
        windows.delete(other);
      }
    }
    const entry = window.get(mapped.auction);
    if (entry === undefined) window.set(mapped.auction, { n: 1 });
    else entry.n += 1;
  }
  for (const content of windows.values()) results += content.size;
  return results;
}

async function engine(
  bids: readonly Bid[],
): Promise<{ readonly results: number; readonly checkpoints: number }> {
  const directory = mkdtempSync(join(tmpdir(), 'weir-bench-'));
  let results = 0;
  const job = defineJob('bench', (env) => {
    env
      .from(bids, { uid: 'bids' })
      .filter((bid) => bid.price > 200)
      .map((bid) => ({ auction: bid.auction, at: bid.at }))
      .assignTimestamps((bid) => bid.at, boundedOutOfOrderness(0))
      .keyBy((bid) => bid.auction)
      .window(tumbling(WINDOW_MS))
      .aggregate(count())
      .sinkTo(
        forEachSink<number>(() => {
          results += 1;
        }),
      );
  });
  try {
    const handle = await run(job, {
      development: false,
      checkpoint: { dir: join(directory, 'job'), intervalMs: 1_000 },
    });
    const { checkpointsCompleted } = await handle.finished;
    return { results, checkpoints: checkpointsCompleted };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function benchEngine(options: {
  readonly records: number;
  readonly rounds: number;
}): Promise<EngineFigures> {
  const bids = makeBids(options.records);
  const loops: number[] = [];
  const engines: number[] = [];
  let checkpoints = 0;
  for (let round = 0; round <= options.rounds; round += 1) {
    const started = performance.now();
    const expected = loop(bids);
    const between = performance.now();
    const { results, checkpoints: completed } = await engine(bids);
    const ended = performance.now();
    if (results !== expected) throw new Error(`the engine gave ${results} results, the loop ${expected}`);
    // The first round warms both up.
    if (round === 0) continue;
    loops.push(between - started);
    engines.push(ended - between);
    checkpoints += completed;
  }
  const engineMrecPerS = options.records / median(engines) / 1_000;
  const loopMrecPerS = options.records / median(loops) / 1_000;
  return {
    records: options.records,
    engineMrecPerS,
    loopMrecPerS,
    ratio: engineMrecPerS / loopMrecPerS,
    checkpoints,
  };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

const { values: given } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    records: { type: 'string', default: '8000000' },
    rounds: { type: 'string', default: '5' },
  },
});
const figures = await benchEngine({ records: Number(given.records), rounds: Number(given.rounds) });
if (given.json) {
  console.log(JSON.stringify({ bench: 'engine', ...figures }));
} else {
  const { engineMrecPerS, loopMrecPerS, ratio, records, checkpoints } = figures;
  console.log(`${records} records a round, ${checkpoints} checkpoints in all`);
  console.log(
    `engine ${engineMrecPerS.toFixed(1)} M records/s, loop by hand ${loopMrecPerS.toFixed(1)} M records/s`,
  );
  console.log(`engine: ratio ${ratio.toFixed(2)} (aim 0.30, goal 0.50)`);
}
