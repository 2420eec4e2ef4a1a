// A function throws in the middle of the stream. The job goes on from its last checkpoint, and nothing is lost or counted twice.
//
//   npx tsx examples/crash-and-recover.ts

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { collectSink, defineJob, generator, type JobDefinition, run, type Sink } from 'weirjs';

export const READINGS = 2_000;
const SENSORS = 4;

export interface Reading {
  readonly sensor: number;
  /** How many readings of the sensor there have been, this one included. */
  readonly nth: number;
}

/** `check` looks at every reading by its number and may throw. */
export function countReadings(out: Sink<Reading>, check: (seq: number) => void): JobDefinition {
  return defineJob('count-readings', (env) => {
    env
      .from(generator({ count: READINGS, ratePerSecond: 2_000, seed: 1, make: (seq) => seq }), {
        uid: 'readings',
      })
      .map((seq): Reading => {
        check(seq);
        return { sensor: seq % SENSORS, nth: 1 };
      })
      .keyBy((reading) => reading.sensor)
      .sum('nth')
      .uid('counts')
      .sinkTo(out, { uid: 'out' });
  });
}

/** One line per sensor: its numbers must be 1, 2, 3, ... without gap or repetition. */
export function verdict(readings: readonly Reading[]): readonly string[] {
  return Array.from({ length: SENSORS }, (_, sensor) => {
    const numbers = readings.filter((reading) => reading.sensor === sensor).map(({ nth }) => nth);
    const gapless = numbers.every((nth, index) => nth === index + 1);
    const whole = gapless ? `1 to ${numbers.length}, none missing, none twice` : 'DAMAGED';
    return `sensor ${sensor}: ${whole}`;
  });
}

if (import.meta.filename === process.argv[1]) {
  let broken = false;
  const breakOnce = (seq: number): void => {
    if (broken || seq !== 1_234) return;
    broken = true;
    console.log('reading 1234: the operator throws');
    throw new Error('a bug that shows once');
  };
  const dir = mkdtempSync(join(tmpdir(), 'weir-recover-'));
  const results = collectSink<Reading>();
  const handle = await run(countReadings(results, breakOnce), {
    checkpoint: { dir, intervalMs: 100 },
    restart: { kind: 'fixedDelay', attempts: 3, delayMs: 50 },
  });
  const { restarts, state } = await handle.finished;
  console.log(`the job is ${state} after ${restarts} restart`);
  for (const line of verdict(results.committed())) console.log(line);
  rmSync(dir, { recursive: true });
}
