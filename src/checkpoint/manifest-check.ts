// A manifest is data from outside: a savepoint may come from anywhere, with checksums that fit.
//
// Owns:    whether decoded bytes have the shape of a manifest, so that nobody behind this has to ask again.
// Not:     whether it fits the job (assignment.ts), whether its chunks are there (restore-point.ts).
//
// C1. Every field that is used as a number, a name or a list is one. Numbers are whole, not negative, and bounded.

import { MAX_PARALLELISM_CEILING } from '../base/limits.js';
import { isWhole } from '../base/whole.js';

/** What a Date can hold. */
const LATEST_DATE_MS = 8.64e15;

const PURPOSES: readonly unknown[] = ['checkpoint', 'savepoint', 'stop'];

/** What is wrong with it, as part of a sentence, or null. */
export function problemOfManifest(value: unknown): string | null {
  if (!isRecord(value)) return 'is no record';
  const { job, operators, purpose, jobFinished } = value;
  for (const field of ['format', 'checkpoint', 'attempt'] as const)
    if (!isWhole(value[field])) return `has no whole number as ${field}`;
  if (typeof job !== 'string') return 'names no job';
  const { completedWallMs, durationMs } = value;
  const isTime = typeof completedWallMs === 'number' && Math.abs(completedWallMs) <= LATEST_DATE_MS;
  if (!isTime || typeof durationMs !== 'number' || !Number.isFinite(durationMs))
    return 'does not say when it was completed';
  if (!PURPOSES.includes(purpose) || typeof jobFinished !== 'boolean') return 'does not say what it is for';
  if (!Array.isArray(operators)) return 'has no list of operators';
  const uids = new Set<unknown>();
  for (const operator of operators) {
    const problem = problemOfOperator(operator);
    if (problem !== null) return `has an operator that ${problem}`;
    const { uid } = operator as { uid: unknown };
    if (uids.has(uid)) return `has the operator "${String(uid)}" twice`;
    uids.add(uid);
  }
  return null;
}

function problemOfOperator(value: unknown): string | null {
  if (!isRecord(value)) return 'is no record';
  const { uid, name, parallelism, maxParallelism, subtasks } = value;
  if (typeof uid !== 'string' || typeof name !== 'string') return 'has no uid or no name';
  if (!isSize(parallelism) || !isSize(maxParallelism)) return `has an impossible parallelism ("${uid}")`;
  if (!Array.isArray(subtasks) || subtasks.length !== parallelism)
    return `has not as many subtasks as it says ("${uid}")`;
  for (const subtask of subtasks) {
    const problem = subtask === null ? null : problemOfSnapshot(subtask);
    if (problem !== null) return `has a subtask that ${problem} ("${uid}")`;
  }
  return null;
}

function problemOfSnapshot(value: unknown): string | null {
  if (!isRecord(value)) return 'is no record';
  const { keyed, lists, finished } = value;
  if (typeof finished !== 'boolean') return 'does not say whether it had finished';
  if (!Array.isArray(keyed) || !keyed.every(isSegment)) return 'names its state wrongly';
  if (!Array.isArray(lists) || !lists.every(isList)) return 'has a list that is none';
  return null;
}

function isSegment(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const { operator, subtask, checkpoint, attempt, chunks, bytes, types } = value;
  return (
    typeof operator === 'string' &&
    [subtask, checkpoint, attempt, chunks, bytes].every(isWhole) &&
    (types === undefined || (Array.isArray(types) && types.every((type) => typeof type === 'string')))
  );
}

function isList(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const { name, redistribution, items } = value;
  return (
    typeof name === 'string' &&
    (redistribution === 'split' || redistribution === 'union') &&
    Array.isArray(items) &&
    items.every((item) => item instanceof Uint8Array)
  );
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSize(value: unknown): boolean {
  return isWhole(value) && value >= 1 && value <= MAX_PARALLELISM_CEILING;
}
