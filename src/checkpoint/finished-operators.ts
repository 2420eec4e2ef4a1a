// What snapshots say about operators that have seen the end of their input.
//
// Owns:    the two questions that decide whether a checkpoint is final, and whether it may exist at all.
// Not:     spreading finished flags over new subtasks (assignment.ts).

import {
  CONNECTOR_STATE_PREFIX,
  type OperatorListSnapshot,
  type OperatorSnapshot,
  type SubtaskSnapshot,
} from './manifest.js';

/** True when every operator of every subtask had finished before its barrier: a restart has nothing left to process. */
export function allFinished(snapshots: Iterable<SubtaskSnapshot>): boolean {
  for (const snapshot of snapshots) {
    if (snapshot.operators.some((operator) => !operator.finished)) return false;
  }
  return true;
}

/**
 * Uid of an operator with union state of which some subtasks have finished and others have not, or null.
 * Everybody gets everything on restore, also those that must not run again: there is no right answer (semantics 5.19).
 */
export function partlyFinishedUnion(snapshots: Iterable<SubtaskSnapshot>): string | null {
  const seen = new Map<string, { running: boolean; finished: boolean; union: boolean }>();
  for (const snapshot of snapshots) {
    for (const operator of snapshot.operators) {
      const entry = seen.get(operator.uid) ?? { running: false, finished: false, union: false };
      if (operator.finished) entry.finished = true;
      else entry.running = true;
      if (hasUnionState(operator)) entry.union = true;
      seen.set(operator.uid, entry);
    }
  }
  for (const [uid, { running, finished, union }] of seen) if (running && finished && union) return uid;
  return null;
}

function hasUnionState(operator: OperatorSnapshot): boolean {
  return operator.lists.some(
    (list) => list.redistribution === 'union' && list.items.length > 0 && !isConnectorState(list),
  );
}

/** Finished or not, a connector reads its own state again; see CONNECTOR_STATE_PREFIX. */
export function isConnectorState(list: OperatorListSnapshot): boolean {
  return list.name.startsWith(CONNECTOR_STATE_PREFIX);
}
