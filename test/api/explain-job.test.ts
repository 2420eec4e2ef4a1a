import { expect, test } from 'vitest';
import { defineJob } from '../../src/api/define-job.js';
import { explain } from '../../src/api/explain-job.js';
import { fileSink } from '../../src/connectors/file-sink.js';

const job = defineJob('words', (env) => {
  const words = env.from(['a b', 'b'], { uid: 'lines' }).flatMap((line) => line.split(' '));
  words
    .map((word) => ({ word, n: 1 }))
    .filter(({ word }) => word !== '')
    .keyBy(({ word }) => word)
    .sum('n')
    .uid('totals')
    .sinkTo(fileSink('out'), { uid: 'out' });
  words.print('word');
});

test('a job explains itself before it runs', () => {
  expect(explain(job, { parallelism: 2 })).toMatchInlineSnapshot(`
    "job "words": 5 vertices, 4 edges, 9 subtasks

    0-array  source, parallelism 1, max 128
      array  uid lines
      array => 1-flatMap by rebalance

    1-flatMap  operators, parallelism 2, max 128
      flatMap  uid flatMap-eb2b273fa6031bab (derived)
      map  uid map-07d79a3c7c30836c (derived)
      filter  uid filter-be93a7bbf8a57408 (derived)
      one loop: map, filter
      flatMap => 4-print-word by forward
      filter => 2-sum by key

    2-sum  operators, parallelism 2, max 128
      sum  uid totals
      sum => 3-files-out by forward

    3-files-out  sink, parallelism 2, max 128
      files out  uid out

    4-print-word  sink, parallelism 2, max 128
      print word  uid sink-c2a4f8d1c19a8f16 (derived)

    sink "files out" gets every record exactly once:
      sink "files out" commits with each checkpoint
    sink "print word" gets every record at least once:
      sink "print word" writes at once, so a failure repeats what it wrote since the last checkpoint"
  `);
});

test('without checkpoints it says what that costs', () => {
  expect(explain(job, { checkpointMode: null })).toContain(
    'sink "files out" gets every record at most once:\n  checkpoints are off',
  );
});
