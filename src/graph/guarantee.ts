// What a job promises end to end, said before it starts.
//
// Owns:    the guarantee of every sink and of the whole job, with reasons a person can act on.
// Not:     keeping the promise.
//
// G1. A sink gets no more than the weakest of: its sources, the checkpointing, its own writing.
// G2. The job promises what its weakest sink promises.

import { present } from '../base/assert.js';
import type { VertexId } from '../base/ids.js';
import type { GuaranteeReport, JobPlan, PlanVertex } from './job-plan.js';

export interface GuaranteeConditions {
  readonly checkpointing: boolean;
  /** As in the options of `run`; `atLeastOnce` does not align barriers (semantics 5.8). */
  readonly mode: 'exactlyOnce' | 'atLeastOnce';
}

export interface SinkGuarantee extends GuaranteeReport {
  readonly sink: string;
  readonly uid: string;
}

interface Limit {
  readonly guarantee: GuaranteeReport['guarantee'];
  readonly reason: string;
}

const STRENGTH: Readonly<Record<GuaranteeReport['guarantee'], number>> = {
  atMostOnce: 0,
  atLeastOnce: 1,
  exactlyOnce: 2,
};

/** The promise of the whole job; the reasons name what keeps it from more, or what makes it exactly once. */
export function guaranteeOf(plan: JobPlan, conditions: GuaranteeConditions): GuaranteeReport {
  const sinks = sinkGuarantees(plan, conditions);
  const guarantee = sinks.reduce<GuaranteeReport['guarantee']>(
    (weakest, sink) => weaker(weakest, sink.guarantee),
    'exactlyOnce',
  );
  const reasons = sinks.filter((sink) => sink.guarantee === guarantee).flatMap((sink) => sink.reasons);
  return { guarantee, reasons: [...new Set(reasons)] };
}

export function sinkGuarantees(plan: JobPlan, conditions: GuaranteeConditions): readonly SinkGuarantee[] {
  return plan.vertices
    .filter((vertex) => vertex.kind === 'sink')
    .map((vertex) => guaranteeOfSink(vertex, plan, conditions));
}

function guaranteeOfSink(vertex: PlanVertex, plan: JobPlan, conditions: GuaranteeConditions): SinkGuarantee {
  const operator = present(vertex.operators[0], 'a sink vertex has its sink');
  const limits = [
    ...checkpointLimits(conditions),
    ...sourcesOf(vertex, plan).flatMap(sourceLimits),
    ...sinkLimits(vertex),
  ];
  const guarantee = limits.reduce<GuaranteeReport['guarantee']>(
    (weakest, limit) => weaker(weakest, limit.guarantee),
    'exactlyOnce',
  );
  return { sink: operator.name, uid: operator.uid, guarantee, reasons: limits.map((limit) => limit.reason) };
}

function checkpointLimits(conditions: GuaranteeConditions): Limit[] {
  if (!conditions.checkpointing) {
    return [
      {
        guarantee: 'atMostOnce',
        reason:
          'checkpoints are off, so a failure loses what had not been written; set checkpoint.intervalMs and checkpoint.dir',
      },
    ];
  }
  if (conditions.mode === 'exactlyOnce') return [];
  return [
    {
      guarantee: 'atLeastOnce',
      reason:
        'checkpoint mode "atLeastOnce" lets records in front of a barrier be counted twice; use mode "exactlyOnce"',
    },
  ];
}

function sourceLimits(vertex: PlanVertex): Limit[] {
  const operator = present(vertex.operators[0], 'a source vertex has its source');
  const { work } = operator.node;
  if (work.kind !== 'source' || work.source.replayable) return [];
  return [
    {
      guarantee: 'atMostOnce',
      reason: `source "${operator.name}" cannot be read again, so a failure loses what it gave since the last checkpoint`,
    },
  ];
}

function sinkLimits(vertex: PlanVertex): Limit[] {
  const operator = present(vertex.operators[0], 'a sink vertex has its sink');
  const { work } = operator.node;
  if (work.kind !== 'sink') return [];
  switch (work.sink.guarantee) {
    case 'transactional':
      return [{ guarantee: 'exactlyOnce', reason: `sink "${operator.name}" commits with each checkpoint` }];
    case 'idempotent':
      return [
        { guarantee: 'exactlyOnce', reason: `sink "${operator.name}" may write twice what counts once` },
      ];
    default:
      return [
        {
          guarantee: 'atLeastOnce',
          reason: `sink "${operator.name}" writes at once, so a failure repeats what it wrote since the last checkpoint`,
        },
      ];
  }
}

function sourcesOf(sink: PlanVertex, plan: JobPlan): PlanVertex[] {
  const upstream = new Set<VertexId>([sink.id]);
  // Vertices are in topological order, so one pass backwards meets every sender after its receivers.
  for (const vertex of [...plan.vertices].reverse()) {
    if (!upstream.has(vertex.id)) continue;
    for (const edge of vertex.inputs) upstream.add(present(plan.edges[edge], 'edge').from);
  }
  return plan.vertices.filter((vertex) => vertex.kind === 'source' && upstream.has(vertex.id));
}

function weaker(
  one: GuaranteeReport['guarantee'],
  other: GuaranteeReport['guarantee'],
): GuaranteeReport['guarantee'] {
  return STRENGTH[one] <= STRENGTH[other] ? one : other;
}
