// Mutants of the checkpoint store and of recovery.

import type { Mutant } from './mutant.js';

const STORE = 'src/checkpoint/lmdb-checkpoint-store.ts';
const RESTORE_POINT = 'src/checkpoint/restore-point.ts';

export const STORE_MUTANTS: readonly Mutant[] = [
  {
    name: 'ack-before-flush',
    title:
      'The store says that a write is durable when it has only begun: a crash takes back what was acknowledged.',
    from: 'reliability 1 (ack before fsync)',
    oracles: ['O1', 'O5'],
    file: 'src/checkpoint/write-queue.ts',
    find: 'if (rows.length > 0) await this.#environment.commit(rows);',
    replace: 'if (rows.length > 0) void this.#environment.commit(rows).catch(() => undefined);',
  },
  {
    name: 'attempt-number-not-durable',
    title:
      'An attempt begins before its number is durable: after a crash the next one has the same number, and nobody can tell them apart.',
    from: 'reliability 1 (undurable metadata), fault F30',
    oracles: ['O6', 'O5'],
    file: STORE,
    find: 'await this.#environment.commit(firstWrites(point, attempt, lastCheckpointId));',
    replace: `this.#environment.commit(firstWrites(point, attempt, lastCheckpointId)).catch((error: unknown) => {
        this.#broke(error);
      });`,
  },
  {
    name: 'no-fencing',
    title:
      'The store takes writes of attempts that are gone: a checkpoint of a dead attempt can become the one that a restart uses.',
    from: 'reliability 1, faults F29 and F30',
    oracles: ['O6', 'O1'],
    file: STORE,
    find: "if (state.kind === 'serving' && state.attempt === attempt) return state;",
    replace: "if (state.kind === 'serving' && state.attempt + attempt > 0) return state;",
  },
  {
    name: 'current-checkpoint-lags',
    title:
      'A completed checkpoint is used on restart only once the next one is complete: results committed with it come again.',
    from: 'semantics 5.B (latest pointer)',
    oracles: ['O1', 'O5'],
    file: STORE,
    find: "{ kind: 'put', table: META, key: catalog, value: metaValue(catalog, catalogOf(retained)) },",
    replace:
      "{ kind: 'put', table: META, key: catalog, value: metaValue(catalog, catalogOf(retained.slice(0, -1))) },",
  },
  {
    name: 'retention-forgets-increments',
    title:
      'Dropping an old checkpoint removes what newer incremental ones still need: they cannot be restored.',
    from: 'semantics 5.16, 5.B',
    oracles: ['O5', 'O11', 'O4'],
    file: 'src/checkpoint/segment-index.ts',
    find: 'return this.unneeded(dropped.flatMap(segmentsOf), retained);',
    replace: `if (retained.length === 0) return [];
    return dropped.flatMap(segmentsOf).map(idOf).filter((id) => this.#segments.has(id));`,
  },
  {
    name: 'checksum-ignored',
    title:
      'Damaged bytes of a checkpoint are restored as if they were good: state is wrong, or the job fails oddly.',
    from: 'fault F40',
    oracles: ['O11', 'O2'],
    file: 'src/checkpoint/store-rows.ts',
    find: 'if (view.getUint32(8, true) !== checksum(payload)) {',
    replace: 'if (payload.byteLength === 0 && view.getUint32(8, true) !== checksum(payload)) {',
  },
  {
    name: 'starts-from-scratch',
    title:
      'When no checkpoint is intact the job begins from scratch without a word, and all results come again.',
    from: 'fault F40, semantics 5.17',
    oracles: ['O11', 'O1'],
    file: RESTORE_POINT,
    find: 'if (catalog.length > 0 && retained.length === 0) throw nothingUsable(directory, rejected);',
    replace: 'if (catalog.length < retained.length) throw nothingUsable(directory, rejected);',
  },
  {
    name: 'older-checkpoint-in-silence',
    title:
      'A damaged newest checkpoint is passed over although sinks have committed results of it: they are committed again.',
    from: 'fault F40',
    oracles: ['O11', 'O1'],
    file: STORE,
    find: "if (this.#options.olderCheckpoint === 'refuse') refuseOlder(point, directory);",
    replace: 'if (this.#options.olderCheckpoint === undefined) refuseOlder(point, directory);',
  },
  {
    name: 'store-deadline-never-comes',
    title:
      'A disk that never answers is waited for: the job stands still instead of opening the store again.',
    from: 'fault F36',
    oracles: ['O7'],
    file: 'src/base/commit-lane.ts',
    find: 'this.#options.timers.after(this.#options.deadlineMs, () => {',
    replace: 'this.#options.timers.after(this.#options.deadlineMs * 1_000_000, () => {',
  },
  {
    name: 'store-deadline-goes-on',
    title:
      'The deadline of a write that has succeeded still ends: the store takes it for stuck, and keeps its lock for ever.',
    from: 'fault F36',
    oracles: ['O14', 'O7'],
    file: 'src/base/commit-lane.ts',
    find: 'void settled.then(() => deadline.cancel());',
    replace: 'void settled.catch(() => deadline.cancel());',
  },
  {
    name: 'savepoint-left-open',
    title: 'The store of a savepoint is never closed: its lock stays, and nobody else can write there.',
    from: 'fault F44, oracle O14',
    oracles: ['O14'],
    file: 'src/checkpoint/savepoint.ts',
    find: `  } finally {
    await environment.close();
  }`,
    replace: `  } finally {
    if (manifest.operators.length === 0) await environment.close();
  }`,
  },
  {
    name: 'restart-before-stop',
    title:
      'The next attempt begins while the last one is still stopping: two attempts write at the same time.',
    from: 'semantics 5.32',
    oracles: ['O6', 'O9'],
    file: 'src/recovery/job-machine.ts',
    find: "return [{ kind: 'stopAttempt', attempt }];",
    replace: `const stop: JobEffect = { kind: 'stopAttempt', attempt };
    return next.kind === 'restart' ? [stop, ...this.#next(next)] : [stop];`,
  },
  {
    name: 'reopen-takes-the-store-back',
    title:
      'A process that opens its broken store again takes it away from the one that has replaced it meanwhile: two jobs write in turns.',
    from: 'found by simulation, faults F30 and F45',
    oracles: ['O6', 'O7'],
    file: STORE,
    find: 'this.#environment = await openEnvironment(this.#options, this.#environment.owner);',
    replace: 'this.#environment = await openEnvironment(this.#options, undefined);',
  },
  {
    name: 'restart-takes-the-store-back',
    title:
      'A job that restarts opens the store of another process that has replaced it: the right one is fenced off.',
    from: 'found by simulation, faults F30 and F45',
    oracles: ['O6', 'O7'],
    file: 'actors/begin-job.ts',
    find: 'const stores = this.current ?? (await openStores(wiring, this.owner));',
    replace: 'const stores = this.current ?? (await openStores(wiring, undefined));',
  },
  {
    name: 'checkpoint-numbers-start-over',
    title: 'After a restart checkpoints are numbered from 1 again: new ones are older than old ones.',
    from: 'semantics 5.9, oracle O6',
    oracles: ['O6', 'O1'],
    file: 'actors/begin-job.ts',
    find: 'lastCheckpointId: Math.max(begun.lastCheckpointId, manifest?.checkpoint ?? 0),',
    replace: 'lastCheckpointId: 0,',
  },
  {
    name: 'attempt-number-used-again',
    title: 'An attempt has the number of the one before it: nothing tells their writes apart.',
    from: 'reliability 1, oracle O6',
    oracles: ['O6'],
    file: STORE,
    find: 'const attempt = attemptNumber(Math.max(point.lastAttempt, above.attempt) + 1);',
    replace: 'const attempt = attemptNumber(Math.max(point.lastAttempt, above.attempt, 1));',
  },
  {
    name: 'one-checkpoint-forgotten-on-begin',
    title: 'A restart goes back one checkpoint further than it must: what was committed since comes again.',
    from: 'oracle O5, semantics 5.17',
    oracles: ['O5', 'O1'],
    file: STORE,
    find: 'return { attempt, lastCheckpointId, latest: point.latest, rejected: point.rejected };',
    replace:
      'return { attempt, lastCheckpointId, latest: point.retained.at(-2) ?? point.latest, rejected: point.rejected };',
  },
];
