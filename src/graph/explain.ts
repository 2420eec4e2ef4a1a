// A plan for people: what runs together, how wide, and how records travel between.
//
// Owns:    the text of `weir explain` and the same facts as plain data.
// Not:     the running job: rates, lags and states are metrics.

import { present } from '../base/assert.js';
import type { SinkGuarantee } from './guarantee.js';
import type { JobPlan, PlanOperator, PlanTarget, PlanVertex } from './job-plan.js';

export interface ExplainedOperator {
  readonly name: string;
  readonly uid: string;
  readonly uidDeclared: boolean;
  readonly operation: string;
  readonly declaredAt: string | null;
}

export interface ExplainedOutput {
  readonly edge: number;
  readonly from: string;
  readonly to: string;
  readonly partitioner: string;
  readonly sideTag: string | null;
}

export interface ExplainedVertex {
  readonly id: string;
  readonly kind: PlanVertex['kind'];
  readonly parallelism: number;
  readonly maxParallelism: number;
  readonly operators: readonly ExplainedOperator[];
  /** Names of operators that run as one loop. */
  readonly fused: readonly (readonly string[])[];
  readonly outputs: readonly ExplainedOutput[];
}

export interface ExplainedJob {
  readonly job: string;
  readonly subtasks: number;
  readonly vertices: readonly ExplainedVertex[];
  readonly guarantees: readonly SinkGuarantee[];
}

/** The plan as plain data, fit for JSON. */
export function explainJson(plan: JobPlan, guarantees: readonly SinkGuarantee[] = []): ExplainedJob {
  return {
    job: plan.job,
    subtasks: plan.vertices.reduce((sum, vertex) => sum + vertex.parallelism, 0),
    vertices: plan.vertices.map((vertex) => explainVertex(vertex, plan)),
    guarantees,
  };
}

/** The plan as text, one block per vertex. */
export function explainPlan(plan: JobPlan, guarantees: readonly SinkGuarantee[] = []): string {
  const job = explainJson(plan, guarantees);
  const head = `job "${job.job}": ${count(job.vertices.length, 'vertex', 'vertices')}, ${count(plan.edges.length, 'edge', 'edges')}, ${count(job.subtasks, 'subtask', 'subtasks')}`;
  return [head, ...job.vertices.flatMap(vertexLines), ...guarantees.flatMap(guaranteeLines)].join('\n');
}

function explainVertex(vertex: PlanVertex, plan: JobPlan): ExplainedVertex {
  return {
    id: vertex.id,
    kind: vertex.kind,
    parallelism: vertex.parallelism,
    maxParallelism: vertex.maxParallelism,
    operators: vertex.operators.map(explainOperator),
    fused: vertex.fusedRuns.map((run) =>
      run.map((index) => present(vertex.operators[index], 'operator of a run').name),
    ),
    outputs: vertex.operators.flatMap((operator) => explainOutputs(operator, plan)),
  };
}

function explainOperator(operator: PlanOperator): ExplainedOperator {
  return {
    name: operator.name,
    uid: operator.uid,
    uidDeclared: operator.uidDeclared,
    operation: operator.node.operation,
    declaredAt: operator.node.declaredAt ?? null,
  };
}

function explainOutputs(operator: PlanOperator, plan: JobPlan): ExplainedOutput[] {
  const outputs = (targets: readonly PlanTarget[], sideTag: string | null): ExplainedOutput[] =>
    targets.flatMap((target) => {
      if (target.kind === 'chained') return [];
      const edge = present(plan.edges[target.edge], 'edge');
      return [
        { edge: edge.index, from: operator.name, to: edge.to, partitioner: edge.partitioner.kind, sideTag },
      ];
    });
  return [
    ...outputs(operator.main, null),
    ...[...operator.sides].flatMap(([tag, targets]) => outputs(targets, tag)),
  ];
}

function vertexLines(vertex: ExplainedVertex): string[] {
  return [
    '',
    `${vertex.id}  ${vertex.kind}, parallelism ${vertex.parallelism}, max ${vertex.maxParallelism}`,
    ...vertex.operators.map(
      (operator) => `  ${operator.name}  uid ${operator.uid}${operator.uidDeclared ? '' : ' (derived)'}`,
    ),
    ...vertex.fused.map((run) => `  one loop: ${run.join(', ')}`),
    ...vertex.outputs.map(
      (output) =>
        `  ${output.from}${output.sideTag === null ? '' : ` side "${output.sideTag}"`} => ${output.to} by ${output.partitioner}`,
    ),
  ];
}

function guaranteeLines(sink: SinkGuarantee, index: number): string[] {
  const spoken = { exactlyOnce: 'exactly once', atLeastOnce: 'at least once', atMostOnce: 'at most once' }[
    sink.guarantee
  ];
  return [
    ...(index === 0 ? [''] : []),
    `sink "${sink.sink}" gets every record ${spoken}:`,
    ...sink.reasons.map((reason) => `  ${reason}`),
  ];
}

function count(number: number, one: string, many: string): string {
  return `${number} ${number === 1 ? one : many}`;
}
