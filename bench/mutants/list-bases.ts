// Mutants of retained checkpoints, savepoints to start from, and the end of a job.

import type { Mutant } from './mutant.js';

export const BASE_MUTANTS: readonly Mutant[] = [
  {
    name: 'retains-one-less',
    title: 'One completed checkpoint less is kept than the user asked for.',
    from: 'semantics 5.1: retained',
    oracles: ['O5', 'O4'],
    file: 'src/checkpoint/lmdb-checkpoint-store.ts',
    find: '        retained = all.slice(-this.#retainedMax);',
    replace: '        retained = all.slice(-Math.max(2, this.#retainedMax - 1));',
  },
  {
    name: 'bases-of-older-ones-freed',
    title:
      'What the newest checkpoint does not need is freed, although older retained ones do: they cannot be restored.',
    from: 'semantics 5.16, retention',
    oracles: ['O4'],
    file: 'src/checkpoint/lmdb-checkpoint-store.ts',
    find: '...serving.index.freedBy(dropped, retained),',
    replace: '...serving.index.freedBy(dropped, [manifest]),',
  },
  {
    name: 'savepoint-for-first-attempt-only',
    title: 'A failure before the first checkpoint behind a savepoint starts from scratch.',
    from: 'rule N1 of begin-job.ts',
    oracles: ['O5', 'O4', 'O2'],
    file: 'actors/begin-job.ts',
    find: 'const fromSavepoint = latest === null && stores.savepoint !== null;',
    replace:
      'const fromSavepoint = latest === null && stores.savepoint !== null && wiring.progress.attempt === 0;',
  },
  {
    name: 'savepoint-attempts-start-over',
    title:
      'A job that starts from a savepoint numbers its attempts from 1: its transactions have names that were committed before.',
    from: 'semantics 5.22',
    oracles: ['O1', 'O6'],
    file: 'actors/begin-job.ts',
    find: 'const begun = await stores.store.beginAttempt(from);',
    replace: 'const begun = await stores.store.beginAttempt(from && undefined);',
  },
  {
    name: 'savepoint-numbers-start-over',
    title: 'A job that starts from a savepoint numbers its checkpoints from 1.',
    from: 'rule of begin-job.ts',
    oracles: ['O6', 'O3'],
    file: 'actors/begin-job.ts',
    find: 'lastCheckpointId: Math.max(begun.lastCheckpointId, manifest?.checkpoint ?? 0),',
    replace: 'lastCheckpointId: latest === null ? 0 : begun.lastCheckpointId,',
  },
  {
    name: 'savepoint-without-last-chunk',
    title: 'The last transaction of a savepoint is not written when it is not full.',
    from: 'semantics 5.18: self-contained',
    oracles: ['O4', 'O7'],
    file: 'src/checkpoint/savepoint.ts',
    find: '  if (batch.length > 0) await environment.commit(batch);',
    replace: '  if (batch.length > 1) await environment.commit(batch);',
  },
  {
    name: 'increment-on-savepoint',
    title: 'Behind a savepoint an increment builds on what only the savepoint has.',
    from: 'rule W3 of snapshots.ts',
    oracles: ['O7', 'O4'],
    file: 'src/task/snapshots.ts',
    find: "    if (run.purpose === 'checkpoint' && linkRun.walk !== null) {",
    replace: '    if (linkRun.walk !== null) {',
  },
  {
    name: 'last-commit-left-out',
    title: 'The transaction of the last checkpoint is not committed when its notice covers it exactly.',
    from: 'semantics 5.19',
    oracles: ['O1', 'O7'],
    file: 'src/task/sink-machine.ts',
    find: 'if (next !== undefined && next.checkpoint <= this.completeUpTo) {',
    replace:
      'if (next !== undefined && next.checkpoint < this.completeUpTo + (this.endedChannels > 0 ? 0 : 1)) {',
  },
  {
    name: 'end-before-late-commit',
    title: 'A sink reports that everything is committed while the last commit is under way.',
    from: 'semantics 5.19',
    oracles: ['O1', 'O14'],
    file: 'src/task/sink-machine.ts',
    find: `    const next = this.prepared[0];
    if (next !== undefined`,
    replace: `    const next = this.prepared[0];
    if (next !== undefined && this.endedChannels === this.parts.channels && this.reportedUpTo < this.completeUpTo) {
      this.reportedUpTo = this.completeUpTo;
      this.effects.push({ kind: 'committed', checkpoint: this.completeUpTo as CheckpointId });
    }
    if (next !== undefined`,
  },
];
