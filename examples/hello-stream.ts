// Counts words: the smallest job that keeps state. A job is a description; nothing happens before `run`.
//
//   npx tsx examples/hello-stream.ts

import { defineJob, type JobDefinition, print, run, type Sink } from 'weirjs';

export interface Counted {
  readonly word: string;
  readonly count: number;
}

const LINES = ['a stream is a story', 'a story without an end', 'an end is a stream that stops'];

/** The sink is a parameter, so that a test can give another one. */
export function helloStream(out: Sink<Counted>): JobDefinition {
  return defineJob('hello-stream', (env) => {
    env
      .from(LINES, { uid: 'lines' })
      .flatMap((line) => line.split(' '))
      .map((word): Counted => ({ word, count: 1 }))
      .keyBy((counted) => counted.word)
      .sum('count')
      .uid('counts')
      .sinkTo(out, { uid: 'out' });
  });
}

const job: JobDefinition = helloStream(print('word'));
export default job;

if (import.meta.filename === process.argv[1]) {
  const handle = await run(job);
  const { state } = await handle.finished;
  console.log(`The job is ${state}.`);
}
