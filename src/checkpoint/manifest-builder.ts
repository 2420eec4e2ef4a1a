// From the acknowledgements of a checkpoint to the manifest that makes it complete.
//
// Owns:    sorting what subtasks reported by operator and subtask index.
// Not:     when a manifest is written (coordinator-machine.ts), its bytes (store-rows.ts).
//
// B1. Every operator of the plan is in the manifest, also one without state: its uid and max parallelism are frozen here.
// B2. A report that the plan does not know, or a second one for the same place, is a bug, not data.

import { assert } from '../base/assert.js';
import type { CheckpointDraft } from './coordinator-protocol.js';
import { FORMAT_VERSION, type Manifest, type OperatorManifest, type OperatorSnapshot } from './manifest.js';

/** What the plan says about one operator, as far as manifests care. */
export interface PlannedOperator {
  readonly uid: string;
  readonly name: string;
  readonly parallelism: number;
  readonly maxParallelism: number;
}

export interface ManifestFacts {
  readonly job: string;
  readonly operators: readonly PlannedOperator[];
  /** Wall clock, for people. */
  readonly completedWallMs: number;
}

export function buildManifest(draft: CheckpointDraft, facts: ManifestFacts): Manifest {
  return {
    format: FORMAT_VERSION,
    job: facts.job,
    checkpoint: draft.checkpoint,
    attempt: draft.attempt,
    purpose: draft.purpose.kind,
    completedWallMs: facts.completedWallMs,
    durationMs: draft.durationMs,
    jobFinished: draft.jobFinished,
    operators: operatorManifests(draft, facts.operators),
  };
}

function operatorManifests(
  draft: CheckpointDraft,
  planned: readonly PlannedOperator[],
): readonly OperatorManifest[] {
  const places = new Map<string, (OperatorSnapshot | null)[]>();
  for (const { uid, parallelism } of planned) {
    assert(!places.has(uid), 'a uid is used once in a plan', { uid });
    places.set(uid, new Array<OperatorSnapshot | null>(parallelism).fill(null));
  }
  for (const { subtask, operators } of draft.snapshots.values()) {
    for (const operator of operators) {
      const place = places.get(operator.uid);
      assert(place !== undefined, 'subtasks report operators of the plan', { uid: operator.uid });
      assert(place[subtask] === null, 'each subtask of an operator reports once', {
        uid: operator.uid,
        subtask,
        parallelism: place.length,
      });
      place[subtask] = operator;
    }
  }
  return planned.map((operator) => ({
    uid: operator.uid,
    name: operator.name,
    parallelism: operator.parallelism,
    maxParallelism: operator.maxParallelism,
    subtasks: places.get(operator.uid) ?? [],
  }));
}
