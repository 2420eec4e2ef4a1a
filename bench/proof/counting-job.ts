// The job of most proofs: numbered records are counted per key and published, one output per input.
//
// Owns:    the records, what must come out for them, the job.
// Not:     comparing (ledger.ts), running.
//
// C1. Output `n` of a key is the state of that key: a record lost, counted twice, or state that does not fit its cut shows
//     as a gap or a repeat in 1, 2, 3, ... of some key, even where the set of ids is whole.
// C2. `make` depends on the number alone, so that the truth needs no run.

import { defineJob, type JobDefinition } from '../../src/api/define-job.js';
import { fileSink } from '../../src/connectors/file-sink.js';
import { generator } from '../../src/connectors/generator.js';
import { type KeyedContext, KeyedProcessFunction } from '../../src/operators/process-function.js';
import { valueState } from '../../src/operators/state-handles.js';
import { type StallOptions, stallingSink, stallingSource } from './stalls.js';

export interface Numbered {
  readonly id: number;
  readonly key: string;
}

export interface Counted {
  readonly id: number;
  readonly key: string;
  /** How many records of the key had come, this one included. */
  readonly n: number;
}

export interface CountingOptions {
  readonly records: number;
  readonly keys: number;
  /** Over all subtasks. Null: as fast as it goes. */
  readonly ratePerSecond: number | null;
  /** Directory of the committed files. */
  readonly output: string;
  /** Of source and sink. Default: none. */
  readonly stalls?: StallOptions;
}

export function keyOf(id: number, keys: number): string {
  // Multiplied, so that the keys of one block of numbers are spread unevenly over the subtasks.
  return `key-${Math.floor(((Math.imul(id, 0x9e3779b1) >>> 0) / 4_294_967_296) * keys)}`;
}

export function countingJob(options: CountingOptions): JobDefinition {
  const { records, keys, ratePerSecond, output, stalls } = options;
  const numbers = generator<Numbered>({
    count: records,
    seed: 1,
    ...(ratePerSecond === null ? {} : { ratePerSecond }),
    make: (id) => ({ id, key: keyOf(id, keys) }),
  });
  const files = fileSink<Counted>(output);
  return defineJob('counting', (env) => {
    env
      .from(stalls === undefined ? numbers : stallingSource(numbers, stalls), { uid: 'numbers' })
      .keyBy((record) => record.key)
      .process(Counter)
      .uid('counter')
      // Every sink hears of every counter, so that it has barriers to align as well.
      .rebalance()
      .sinkTo(stalls === undefined ? files : stallingSink(files, stalls), { uid: 'counted' });
  });
}

class Counter extends KeyedProcessFunction<string, Numbered, Counted> {
  private readonly seen = valueState<number>('seen');

  override onElement(record: Numbered, context: KeyedContext<string, Counted>): void {
    const n = (this.seen.get() ?? 0) + 1;
    this.seen.set(n);
    context.emit({ id: record.id, key: record.key, n });
  }
}
