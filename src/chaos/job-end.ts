// How a simulated run of a job ends, and the words for errors.

import type { JobResult } from '../../actors/job-handle.js';
import { messageOf, RestoreError } from '../base/errors.js';
import { causesOf } from './injected.js';

export type JobEnd =
  | { readonly kind: 'finished'; readonly result: JobResult }
  | { readonly kind: 'failed'; readonly error: unknown }
  /** Neither: it stands still, or goes round in circles. */
  | { readonly kind: 'stuck'; readonly reason: string };

const CAUSES_SHOWN = 4;

/** In words: an error and what caused it. */
export function describeError(error: unknown): string {
  return causesOf(error)
    .slice(0, CAUSES_SHOWN)
    .map((cause) => messageOf(cause))
    .join(' <- ');
}

/** Some subtasks of an operator had finished and others had not: its state cannot be spread over another number of them. */
export function isPartlyFinished(error: unknown): boolean {
  return causesOf(error).some(
    (cause) => cause instanceof RestoreError && /had finished and others had not/.test(cause.message),
  );
}
