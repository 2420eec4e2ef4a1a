// Runs in a process that forbids generated code: the same operators must give the same results there.

import { mapOperator } from '../../src/operators/fuse.js';
import { generate } from '../../src/operators/generated-code.js';
import { SplitWatermarks } from '../../src/operators/split-watermarks.js';
import { timestampOperator } from '../../src/operators/timestamp-operator.js';
import { monotonous, withTimestamps } from '../../src/operators/watermark-generators.js';
import { count } from '../../src/operators/windows/aggregates.js';
import { tumbling } from '../../src/operators/windows/window-assigners.js';
import { windowOperator } from '../../src/operators/windows/window-operator.js';
import { clock, END, record, verifyOperator, watermark } from '../../src/testing/operator-harness.js';

if (generate({}, 'return 1;') !== null) throw new Error('This process was to forbid generated code.');

verifyOperator(() => mapOperator((value: number) => value + 1))
  .input(record(1, 1), record(2, 2))
  .expect(record(2, 1), record(3, 2));

const byValue = withTimestamps((value: number) => value, monotonous());
verifyOperator(() => timestampOperator(byValue), { restores: false })
  .input(record(5), clock(200), END)
  .expect(record(5, 5), watermark(4), END);

const splits = new SplitWatermarks(byValue, ['a'], { name: 'source', subtask: 0, declaredAt: undefined });
const timestamps = [0];
splits.start(0);
splits.onRecords('a', [7], timestamps, 0);
if (timestamps[0] !== 7) throw new Error(`Expected the timestamp 7, got ${timestamps[0]}.`);

const counts = { kind: 'aggregate', aggregate: count<number>(), windowFunction: null } as const;
verifyOperator(
  () => windowOperator({ key: (value: number) => value % 2, assigner: tumbling(10), contents: counts }),
  {
    leavesNoState: true,
  },
)
  .input(record(1, 1), record(3, 2), record(2, 3), END)
  .expect(record(2, 9), record(1, 9), END);

console.log('same results');
