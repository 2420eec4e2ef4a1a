// The plan of a job before it is run, for the person who wrote it.

import { explainPlan } from '../graph/explain.js';
import { sinkGuarantees } from '../graph/guarantee.js';
import { planJob } from '../graph/plan.js';
import { buildGraph, type JobDefinition } from './define-job.js';

/** As the options of `run`. */
export interface ExplainOptions {
  /** Default 1. */
  readonly parallelism?: number;
  readonly maxParallelism?: number;
  /** Default true. */
  readonly chaining?: boolean;
  /** Null: as if run without checkpoints. Default `exactlyOnce`. */
  readonly checkpointMode?: 'exactlyOnce' | 'atLeastOnce' | null;
}

/**
 * What a run would do, as text: which operators run together, how wide, how records travel, the uid of each operator, and what each
 * sink can rely on. Starts nothing. Throws JobDefinitionError with all problems of the job.
 */
export function explain(job: JobDefinition, options: ExplainOptions = {}): string {
  const mode = options.checkpointMode === undefined ? 'exactlyOnce' : options.checkpointMode;
  const plan = planJob(buildGraph(job), {
    parallelism: options.parallelism ?? 1,
    maxParallelism: options.maxParallelism,
    chaining: options.chaining ?? true,
  });
  return explainPlan(
    plan,
    sinkGuarantees(plan, { checkpointing: mode !== null, mode: mode ?? 'exactlyOnce' }),
  );
}
