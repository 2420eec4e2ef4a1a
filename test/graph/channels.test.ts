import { describe, expect, test } from 'vitest';
import { channelsOf } from '../../src/graph/channels.js';
import { planJob } from '../../src/graph/plan.js';
import type { PartitionerSpec } from '../../src/graph/stream-graph.js';
import { main, Sketch } from './graph-fixture.js';

/** By sender: its receivers, for one edge between `senders` and `receivers` subtasks. */
function receivers(
  kind: 'forward' | 'rescale' | 'rebalance' | 'broadcast',
  senders: number,
  count: number,
): number[][] {
  const sketch = new Sketch();
  const partitioner: PartitionerSpec = { kind };
  const source = sketch.source({ parallelism: senders });
  sketch.sink([main(source, partitioner)], { parallelism: count });
  const plan = planJob(sketch.finish(), { parallelism: 1, chaining: true });
  const first = plan.vertices[0];
  const subtasks = first === undefined ? [] : (channelsOf(plan).get(first.id) ?? []);
  return subtasks.map((subtask) => (subtask.outputs[0]?.targets ?? []).map((target) => target.receiver));
}

describe('channels', () => {
  test('forward joins equal subtasks', () => {
    expect(receivers('forward', 3, 3)).toEqual([[0], [1], [2]]);
  });

  test('rescale joins neighbours only', () => {
    expect(receivers('rescale', 2, 4)).toEqual([
      [0, 1],
      [2, 3],
    ]);
    expect(receivers('rescale', 4, 2)).toEqual([[0], [0], [1], [1]]);
    expect(receivers('rescale', 2, 3)).toEqual([[0, 1], [2]]);
    expect(receivers('rescale', 3, 2)).toEqual([[0], [1], [1]]);
  });

  test('everything else joins all with all', () => {
    expect(receivers('rebalance', 2, 3)).toEqual([
      [0, 1, 2],
      [0, 1, 2],
    ]);
    expect(receivers('broadcast', 1, 2)).toEqual([[0, 1]]);
  });

  test('inputs are numbered by edge, then by sender', () => {
    const sketch = new Sketch();
    const wide = sketch.source({ uid: 'wide', parallelism: 2 });
    const narrow = sketch.source({ uid: 'narrow', parallelism: 1 });
    const both = sketch.process([main(wide), main(narrow)], { uid: 'both', parallelism: 1 });
    sketch.sink(both, { parallelism: 1 });
    const plan = planJob(sketch.finish(), { parallelism: 1, chaining: true });
    const vertex = plan.vertices[2];
    const inputs = vertex === undefined ? [] : (channelsOf(plan).get(vertex.id)?.[0]?.inputs ?? []);
    expect(inputs.map(({ edge, sender }) => [edge, sender])).toEqual([
      [0, 0],
      [0, 1],
      [1, 0],
    ]);
  });
});
