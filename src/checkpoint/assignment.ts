// From a manifest and a new plan to what every new subtask restores.
//
// Owns:    matching state to operators by uid, max parallelism, finished flags, and all refusals of a restore.
// Not:     reading segments (the store), applying them and filtering key groups (src/state).
//
// A1. Nothing is dropped silently: state that finds no operator is an error unless the user allows it (semantics 4.19).
// A2. All problems of a restore are in one error.
// A3. The key groups of all new subtasks together are exactly those of the snapshot: the number of groups never changes.
// A4. Chains of segments stay apart per old subtask. An increment may say "this window is gone" without naming keys; that
//     is true for the key groups of its own chain only.

import { RestoreError } from '../base/errors.js';
import type { CheckpointId } from '../base/ids.js';
import { shownList } from '../base/shown-text.js';
import { isConnectorState } from './finished-operators.js';
import type {
  Manifest,
  OperatorListSnapshot,
  OperatorManifest,
  OperatorSnapshot,
  SegmentRef,
} from './manifest.js';
import type { PlannedOperator } from './manifest-builder.js';
import { missingTypeProblems } from './missing-registrations.js';
import { redistributeLists } from './redistribute.js';

export interface RestoringOperator extends PlannedOperator {
  /** The user named `maxParallelism`; otherwise the one of the snapshot is adopted (semantics 4.17). */
  readonly explicitMaxParallelism: boolean;
}

export interface RestoreOptions {
  readonly allowNonRestoredState: boolean;
}

/** What one operator of one new subtask starts from. */
export interface SubtaskRestore {
  /** One chain per old subtask that had groups of this one, each oldest first. Entries of foreign groups are to be skipped. */
  readonly chains: readonly (readonly SegmentRef[])[];
  readonly lists: readonly OperatorListSnapshot[];
  /** It had seen the end of its input: it emits nothing and only passes the end on. */
  readonly finished: boolean;
}

export interface OperatorRestore {
  readonly uid: string;
  /** The plan has to use this number of key groups from now on. */
  readonly maxParallelism: number;
  readonly subtasks: readonly SubtaskRestore[];
}

export interface Assignment {
  readonly checkpoint: CheckpointId;
  /** Everything was processed and committed: the subtasks only have to commit what was prepared, and end. */
  readonly jobFinished: boolean;
  /** By uid; every operator of the plan is here, also those that start empty. */
  readonly operators: ReadonlyMap<string, OperatorRestore>;
  /** Uids whose state was left behind because `allowNonRestoredState` says so. */
  readonly notRestored: readonly string[];
}

/** Throws RestoreError that lists every reason why the manifest does not fit the plan. */
export function assignState(
  manifest: Manifest,
  plan: readonly RestoringOperator[],
  options: RestoreOptions,
): Assignment {
  const stored = new Map(manifest.operators.map((operator) => [operator.uid, operator]));
  const planned = new Set(plan.map((operator) => operator.uid));
  const homeless = manifest.operators.filter((operator) => !planned.has(operator.uid) && hasState(operator));
  const problems = options.allowNonRestoredState ? [] : homelessProblems(homeless, plan, stored);
  const claimed = manifest.operators.filter((operator) => planned.has(operator.uid));
  problems.push(...missingTypeProblems(claimed));
  const operators = new Map<string, OperatorRestore>();
  for (const operator of plan) {
    const from = stored.get(operator.uid);
    const refusal = from === undefined ? null : refusalOf(operator, from);
    if (refusal !== null) problems.push(refusal);
    else operators.set(operator.uid, from === undefined ? empty(operator) : restoreOf(operator, from));
  }
  if (problems.length > 0) throw refused(manifest, problems);
  return {
    checkpoint: manifest.checkpoint,
    jobFinished: manifest.jobFinished,
    operators,
    notRestored: homeless.map((operator) => operator.uid),
  };
}

function refused(manifest: Manifest, problems: readonly string[]): RestoreError {
  const what = `${manifest.purpose === 'checkpoint' ? 'Checkpoint' : 'Savepoint'} ${manifest.checkpoint} of job "${manifest.job}"`;
  return new RestoreError(`${what} does not fit this job:${shownList(problems)}\n`, {
    remedy: 'Nothing was started.',
  });
}

function homelessProblems(
  homeless: readonly OperatorManifest[],
  plan: readonly RestoringOperator[],
  stored: ReadonlyMap<string, OperatorManifest>,
): string[] {
  const fresh = plan.filter((operator) => !stored.has(operator.uid)).map((operator) => `"${operator.uid}"`);
  const hint = fresh.length === 0 ? '' : ` (operators without stored state: ${fresh.join(', ')})`;
  return homeless.map(
    ({ uid, name }) =>
      `there is state of operator "${name}" with uid "${uid}", and no operator of the job has this uid${hint}. ` +
      `Give the operator that should take it the uid "${uid}", or allow non-restored state (allowNonRestoredState) to leave it behind`,
  );
}

function refusalOf(operator: RestoringOperator, from: OperatorManifest): string | null {
  const who = `operator "${operator.name}" with uid "${operator.uid}"`;
  const { maxParallelism } = from;
  if (hasKeyedState(from)) {
    if (operator.explicitMaxParallelism && operator.maxParallelism !== maxParallelism)
      return `${who} has max parallelism ${operator.maxParallelism}, its keyed state was written with ${maxParallelism}. Set it to ${maxParallelism}, or leave it out`;
    if (operator.parallelism > maxParallelism)
      return `${who} has parallelism ${operator.parallelism}, its keyed state can be spread over at most ${maxParallelism} subtasks. Lower the parallelism`;
  }
  if (operator.parallelism !== from.parallelism && partlyFinished(from))
    return `some of the ${from.parallelism} subtasks of ${who} had finished and others had not; such state cannot be spread over ${operator.parallelism}. Restore with parallelism ${from.parallelism}`;
  return null;
}

function empty(operator: RestoringOperator): OperatorRestore {
  const nothing: SubtaskRestore = { chains: [], lists: [], finished: false };
  return {
    uid: operator.uid,
    maxParallelism: operator.maxParallelism,
    subtasks: new Array<SubtaskRestore>(operator.parallelism).fill(nothing),
  };
}

function restoreOf(operator: RestoringOperator, from: OperatorManifest): OperatorRestore {
  const { parallelism } = operator;
  const maxParallelism = chosenMaxParallelism(operator, from);
  const lists = redistributeLists(
    from.subtasks.map((subtask) => subtask?.lists ?? []),
    parallelism,
  );
  const allDone = from.subtasks.length > 0 && from.subtasks.every((subtask) => subtask?.finished === true);
  const subtasks = lists.map((ownLists, index): SubtaskRestore => {
    const finished = parallelism === from.parallelism ? from.subtasks[index]?.finished === true : allDone;
    return { chains: chainsOf(from, index, parallelism), lists: ownLists, finished };
  });
  return { uid: operator.uid, maxParallelism, subtasks };
}

/** Without keyed state the stored number binds nobody, but adopting it keeps later savepoints alike. */
function chosenMaxParallelism(operator: RestoringOperator, from: OperatorManifest): number {
  if (hasKeyedState(from)) return from.maxParallelism;
  const adopt = !operator.explicitMaxParallelism && operator.parallelism <= from.maxParallelism;
  return adopt ? from.maxParallelism : operator.maxParallelism;
}

function chainsOf(
  from: OperatorManifest,
  subtask: number,
  parallelism: number,
): readonly (readonly SegmentRef[])[] {
  const wanted = groupRange(subtask, from.maxParallelism, parallelism);
  const chains: (readonly SegmentRef[])[] = [];
  from.subtasks.forEach((snapshot, index) => {
    if (snapshot === null || keyedChunks(snapshot) === 0) return;
    const had = groupRange(index, from.maxParallelism, from.parallelism);
    if (had.from <= wanted.to && wanted.from <= had.to) chains.push(snapshot.keyed);
  });
  return chains;
}

/** Key groups of one subtask, both ends included (semantics 1.38). Empty, with `to < from`, for a subtask too many. */
function groupRange(
  subtask: number,
  maxParallelism: number,
  parallelism: number,
): { from: number; to: number } {
  return {
    from: Math.ceil((subtask * maxParallelism) / parallelism),
    to: Math.floor(((subtask + 1) * maxParallelism - 1) / parallelism),
  };
}

/** Connectors are no matter: a source that had finished reads nothing any more, a sink finds nothing left to do. */
function partlyFinished(operator: OperatorManifest): boolean {
  if (operator.subtasks.some((subtask) => subtask?.lists.some(isConnectorState) ?? false)) return false;
  const finished = operator.subtasks.filter((subtask) => subtask?.finished === true).length;
  return finished > 0 && finished < operator.subtasks.length;
}

function hasState(operator: OperatorManifest): boolean {
  if (hasKeyedState(operator)) return true;
  return operator.subtasks.some((subtask) => subtask?.lists.some((list) => list.items.length > 0) ?? false);
}

function hasKeyedState(operator: OperatorManifest): boolean {
  return operator.subtasks.some((subtask) => subtask !== null && keyedChunks(subtask) > 0);
}

function keyedChunks(snapshot: OperatorSnapshot): number {
  return snapshot.keyed.reduce((sum, segment) => sum + segment.chunks, 0);
}
