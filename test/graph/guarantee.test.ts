import { describe, expect, test } from 'vitest';
import { explainJson } from '../../src/graph/explain.js';
import { guaranteeOf, sinkGuarantees } from '../../src/graph/guarantee.js';
import { planJob } from '../../src/graph/plan.js';
import { Sketch } from './graph-fixture.js';

const checkpointed = { checkpointing: true, mode: 'exactlyOnce' } as const;

function planOf(build: (sketch: Sketch) => void): ReturnType<typeof planJob> {
  const sketch = new Sketch();
  build(sketch);
  return planJob(sketch.finish(), { parallelism: 1, chaining: true });
}

describe('the end-to-end guarantee', () => {
  test('is exactly once from a replayable source to a transactional sink', () => {
    const plan = planOf((s) => s.sink(s.source(), { label: 'files out' }));
    expect(guaranteeOf(plan, checkpointed)).toEqual({
      guarantee: 'exactlyOnce',
      reasons: ['sink "files out" commits with each checkpoint'],
    });
  });

  test('is exactly once in effect with an idempotent sink', () => {
    const plan = planOf((s) => s.sink(s.source(), { guarantee: 'idempotent' }));
    expect(guaranteeOf(plan, checkpointed).guarantee).toBe('exactlyOnce');
  });

  test('is at least once when the sink writes at once, or barriers are not aligned', () => {
    const plain = planOf((s) => s.sink(s.source(), { guarantee: 'atLeastOnce', label: 'print' }));
    expect(guaranteeOf(plain, checkpointed)).toEqual({
      guarantee: 'atLeastOnce',
      reasons: ['sink "print" writes at once, so a failure repeats what it wrote since the last checkpoint'],
    });
    const transactional = planOf((s) => s.sink(s.source()));
    const report = guaranteeOf(transactional, { checkpointing: true, mode: 'atLeastOnce' });
    expect(report.guarantee).toBe('atLeastOnce');
    expect(report.reasons[0]).toContain('use mode "exactlyOnce"');
  });

  test('is at most once without checkpoints, and from a source that cannot be read again', () => {
    const plan = planOf((s) => s.sink(s.source({ label: 'socket', replayable: false })));
    expect(guaranteeOf(plan, { checkpointing: false, mode: 'exactlyOnce' }).guarantee).toBe('atMostOnce');
    const report = guaranteeOf(plan, checkpointed);
    expect(report.guarantee).toBe('atMostOnce');
    expect(report.reasons[0]).toBe(
      'source "socket" cannot be read again, so a failure loses what it gave since the last checkpoint',
    );
  });

  test('is told per sink, and looks only at the sources that feed it; the job promises the weakest', () => {
    const plan = planOf((s) => {
      s.sink(s.process(s.source({ label: 'file' })), { label: 'safe' });
      s.sink(s.process(s.source({ label: 'socket', replayable: false })), { label: 'lossy' });
    });
    const each = sinkGuarantees(plan, checkpointed).map(({ sink, guarantee }) => [sink, guarantee]);
    expect(each).toEqual([
      ['safe', 'exactlyOnce'],
      ['lossy', 'atMostOnce'],
    ]);
    const whole = guaranteeOf(plan, checkpointed);
    expect(whole.guarantee).toBe('atMostOnce');
    expect(whole.reasons.join()).not.toContain('safe');
  });

  test('can be printed and stored with the plan', () => {
    const plan = planOf((s) => s.sink(s.source({ uid: 'in' }), { uid: 'out' }));
    const explained = explainJson(plan, sinkGuarantees(plan, checkpointed));
    expect(JSON.parse(JSON.stringify(explained))).toEqual(explained);
    expect(explained).toMatchInlineSnapshot(`
      {
        "guarantees": [
          {
            "guarantee": "exactlyOnce",
            "reasons": [
              "sink "out" commits with each checkpoint",
            ],
            "sink": "out",
            "uid": "out",
          },
        ],
        "job": "job",
        "subtasks": 2,
        "vertices": [
          {
            "fused": [],
            "id": "0-numbers",
            "kind": "source",
            "maxParallelism": 128,
            "operators": [
              {
                "declaredAt": null,
                "name": "numbers",
                "operation": "source",
                "uid": "in",
                "uidDeclared": true,
              },
            ],
            "outputs": [
              {
                "edge": 0,
                "from": "numbers",
                "partitioner": "forward",
                "sideTag": null,
                "to": "1-out",
              },
            ],
            "parallelism": 1,
          },
          {
            "fused": [],
            "id": "1-out",
            "kind": "sink",
            "maxParallelism": 128,
            "operators": [
              {
                "declaredAt": null,
                "name": "out",
                "operation": "sink",
                "uid": "out",
                "uidDeclared": true,
              },
            ],
            "outputs": [],
            "parallelism": 1,
          },
        ],
      }
    `);
  });
});
