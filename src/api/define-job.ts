// A job as a value: a name, and how to describe its graph.
//
// Owns:    the definition, and building the graph from it.
// Not:     planning and running.
//
// D1. A definition holds no stream and no state: each run, and each thread, builds its own graph from it.

import { isLater, laterError } from '../base/at-once.js';
import { JobDefinitionError, messageOf } from '../base/errors.js';
import type { StreamGraph } from '../graph/stream-graph.js';
import { StreamGraphBuilder } from '../graph/stream-graph-builder.js';
import { isIterator } from '../operators/emission.js';
import { StreamEnvironment } from './stream-environment.js';

export interface JobDefinition {
  readonly kind: 'weir.job';
  /** Names the job in logs, metrics and checkpoints; a checkpoint directory belongs to one job name. */
  readonly name: string;
  readonly build: (env: StreamEnvironment) => void;
}

/**
 * Defines a job. `build` describes its graph: synchronously, and in the same way each time it is called, because it is called
 * anew for every run. Nothing starts before `run(job)`. Export the definition as the default of its file to let the command
 * `weir run` and threads find it.
 */
export function defineJob(name: string, build: (env: StreamEnvironment) => void): JobDefinition {
  if (typeof build !== 'function') {
    throw new JobDefinitionError(String(name), [
      'defineJob needs a function that describes the job: defineJob(name, (env) => { ... })',
    ]);
  }
  return { kind: 'weir.job', name, build };
}

/** True for what defineJob has made, also by another copy of Weir. */
export function isJobDefinition(value: unknown): value is JobDefinition {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'weir.job';
}

/**
 * The graph that a definition describes, not yet checked. Throws JobDefinitionError when `build` throws; what it threw is the cause.
 */
export function buildGraph(job: JobDefinition): StreamGraph {
  const builder = new StreamGraphBuilder(job.name);
  const answer = describe(job, builder);
  if (isLater(answer) || isIterator(answer)) {
    // Whatever it comes to later, the error below is what the user should read.
    if (isLater(answer)) laterError('the build function', answer, {});
    const kind = isIterator(answer) ? 'a generator, which nobody would run' : 'async';
    builder.problem(
      `the build function is ${kind}; describe the job synchronously, and await what it needs before defineJob`,
    );
  }
  return builder.finish();
}

function describe(job: JobDefinition, builder: StreamGraphBuilder): unknown {
  try {
    return job.build(new StreamEnvironment(builder));
  } catch (cause) {
    const last =
      cause instanceof JobDefinitionError
        ? cause.problems
        : [`the build function threw: ${messageOf(cause)}`];
    // A refusal of ours is in the list already, so only what lies behind it is a cause.
    const behind = cause instanceof JobDefinitionError ? cause.cause : cause;
    throw new JobDefinitionError(job.name, [...builder.finish().problems, ...last], { cause: behind });
  }
}
