// Numbers and names that must not be mixed have their own types, made here and nowhere else.

import { assert } from './assert.js';

/** Counts executions of a job, from 1; strictly increasing over restarts of the process (persisted). */
export type AttemptNumber = number & { readonly brand: 'AttemptNumber' };
/** Identifies a checkpoint or savepoint, from 1; strictly increasing over attempts and processes. */
export type CheckpointId = number & { readonly brand: 'CheckpointId' };
/** Position of a subtask in its vertex, from 0. */
export type SubtaskIndex = number & { readonly brand: 'SubtaskIndex' };
/** Smallest unit of keyed state that moves on rescale: 0 .. maxParallelism - 1. */
export type KeyGroup = number & { readonly brand: 'KeyGroup' };
/** Name of a vertex in the plan, unique within the job. */
export type VertexId = string & { readonly brand: 'VertexId' };
/** `<vertex>/<subtask>`: name of one subtask, stable over attempts. */
export type SubtaskId = string & { readonly brand: 'SubtaskId' };

function whole(value: number, min: number, what: string): number {
  assert(Number.isSafeInteger(value) && value >= min, `${what} is a whole number of at least ${min}`, {
    got: value,
  });
  return value;
}

export const attemptNumber = (value: number): AttemptNumber => whole(value, 1, 'attempt') as AttemptNumber;
export const checkpointId = (value: number): CheckpointId => whole(value, 1, 'checkpoint id') as CheckpointId;
export const subtaskIndex = (value: number): SubtaskIndex => whole(value, 0, 'subtask index') as SubtaskIndex;
export const keyGroup = (value: number): KeyGroup => whole(value, 0, 'key group') as KeyGroup;
export const vertexId = (value: string): VertexId => value as VertexId;
export const subtaskId = (vertex: VertexId, index: SubtaskIndex): SubtaskId =>
  `${vertex}/${index}` as SubtaskId;
