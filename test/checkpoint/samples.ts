// Material for tests of checkpoints: small jobs, snapshots, manifests.

import {
  type AttemptNumber,
  attemptNumber,
  type CheckpointId,
  checkpointId,
  type SubtaskId,
} from '../../src/base/ids.js';
import type { Chunk } from '../../src/checkpoint/checkpoint-store.js';
import { CoordinatorMachine } from '../../src/checkpoint/coordinator-machine.js';
import type {
  CoordinatorConfig,
  CoordinatorEffect,
  CoordinatorInput,
} from '../../src/checkpoint/coordinator-protocol.js';
import type {
  Manifest,
  OperatorListSnapshot,
  OperatorManifest,
  OperatorSnapshot,
  SegmentRef,
  SubtaskSnapshot,
} from '../../src/checkpoint/manifest.js';

export const A: SubtaskId = 'source/0' as SubtaskId;
export const B: SubtaskId = 'count/0' as SubtaskId;
export const C: SubtaskId = 'count/1' as SubtaskId;
export const ATTEMPT: AttemptNumber = attemptNumber(7);

export const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

export function operatorSnapshot(uid: string, part: Partial<OperatorSnapshot> = {}): OperatorSnapshot {
  return { uid, name: part.name ?? uid, keyed: [], lists: [], finished: false, ...part };
}

export function subtaskSnapshot(
  id: SubtaskId,
  part: { readonly finished?: boolean; readonly lists?: readonly OperatorListSnapshot[] } = {},
): SubtaskSnapshot {
  const [vertex = '', index = '0'] = id.split('/');
  const { finished = false, lists = [] } = part;
  return { subtask: Number(index), operators: [operatorSnapshot(vertex, { finished, lists })] };
}

export function segment(part: Partial<{ -readonly [K in keyof SegmentRef]: unknown }> = {}): SegmentRef {
  const { operator = 'count', subtask = 0, checkpoint = 1, attempt = 1, chunks = 1, bytes: size = 0 } = part;
  return {
    operator: String(operator),
    subtask: Number(subtask),
    checkpoint: checkpointId(Number(checkpoint)),
    attempt: attemptNumber(Number(attempt)),
    chunks: Number(chunks),
    bytes: Number(size),
  };
}

export function chunkOf(ref: SegmentRef, index: number, content: Uint8Array): Chunk {
  const { operator, subtask, checkpoint, attempt } = ref;
  return { operator, subtask, checkpoint, attempt, index, bytes: content };
}

export function list(
  name: string,
  items: readonly number[],
  redistribution: 'split' | 'union' = 'split',
): OperatorListSnapshot {
  return { name, redistribution, items: items.map((item) => bytes(item)) };
}

export function operatorManifest(
  uid: string,
  subtasks: readonly (OperatorSnapshot | null)[],
  maxParallelism = 128,
): OperatorManifest {
  return { uid, name: `the ${uid}`, parallelism: subtasks.length, maxParallelism, subtasks };
}

export function manifest(part: Partial<Manifest> & { readonly id?: number } = {}): Manifest {
  const { id = 1, ...rest } = part;
  return {
    format: 1,
    job: 'shop',
    checkpoint: checkpointId(id),
    attempt: attemptNumber(1),
    purpose: 'checkpoint',
    completedWallMs: 0,
    durationMs: 0,
    jobFinished: false,
    operators: [],
    ...rest,
  };
}

/** A manifest whose one operator `count` has this chain of segments in its one subtask. */
export function countManifest(id: number, keyed: readonly SegmentRef[], attempt = 1): Manifest {
  return manifest({
    id,
    attempt: attemptNumber(attempt),
    operators: [operatorManifest('count', [operatorSnapshot('count', { keyed })])],
  });
}

export const DEFAULTS: CoordinatorConfig = {
  mode: 'exactlyOnce',
  intervalMs: 1000,
  timeoutMs: 10_000,
  minPauseMs: 0,
  concurrentMax: 1,
  tolerableFailures: 0,
  subtasks: [A, B, C],
  sources: [A],
  lastCheckpointId: 0,
};

export type EffectKind = CoordinatorEffect['kind'];
export type EffectOf<K extends EffectKind> = Extract<CoordinatorEffect, { readonly kind: K }>;

type Without<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
/** Inputs as a test writes them: time and attempt are filled in. */
export type TestInput = Without<CoordinatorInput, 'nowMs' | 'attempt'> & { readonly attempt?: AttemptNumber };

/** A coordinator with its clock; reserved ids are granted at once unless the test wants to do it itself. */
export class TestCoordinator {
  readonly machine: CoordinatorMachine;
  nowMs = 0;
  readonly #grantIds: boolean;

  constructor(config: Partial<CoordinatorConfig> = {}, options: { readonly grantIds?: boolean } = {}) {
    this.machine = new CoordinatorMachine({ ...DEFAULTS, ...config }, ATTEMPT);
    this.#grantIds = options.grantIds ?? true;
  }

  give(input: TestInput): CoordinatorEffect[] {
    const timed = { attempt: ATTEMPT, ...input, nowMs: this.nowMs } as CoordinatorInput;
    const effects = [...this.machine.step(timed)];
    const reserve = effects.find((effect) => effect.kind === 'reserveIds');
    if (reserve === undefined || !this.#grantIds) return effects;
    return [...effects, ...this.give({ kind: 'idsReserved', upTo: reserve.upTo })];
  }

  /** Lets time pass and ticks. */
  after(ms: number): CoordinatorEffect[] {
    this.nowMs += ms;
    return this.give({ kind: 'tick' });
  }

  start(): CoordinatorEffect[] {
    return this.give({ kind: 'started', atOnce: false });
  }

  ack(id: number, subtask: SubtaskId, part: Parameters<typeof subtaskSnapshot>[1] = {}): CoordinatorEffect[] {
    const snapshot = subtaskSnapshot(subtask, part);
    return this.give({ kind: 'acknowledged', checkpoint: checkpointId(id), subtask, snapshot });
  }

  ackAll(id: number, part: Parameters<typeof subtaskSnapshot>[1] = {}): CoordinatorEffect[] {
    return [A, B, C].flatMap((subtask) => this.ack(id, subtask, part));
  }

  decline(
    id: number,
    subtask: SubtaskId,
    cause: 'failed' | 'subsumed' | 'notReady' = 'failed',
  ): CoordinatorEffect[] {
    return this.give({
      kind: 'declined',
      checkpoint: checkpointId(id),
      subtask,
      cause,
      reason: 'a reason',
    });
  }

  stored(id: number): CoordinatorEffect[] {
    return this.give({ kind: 'storeCompleted', checkpoint: checkpointId(id) });
  }

  /** Trigger to durable manifest. */
  complete(id: number, part: Parameters<typeof subtaskSnapshot>[1] = {}): CoordinatorEffect[] {
    return [...this.ackAll(id, part), ...this.stored(id)];
  }

  savepoint(
    requestId: string,
    stop: 'suspend' | 'drain' | null = null,
    directory: string | null = `/savepoints/${requestId}`,
  ): CoordinatorEffect[] {
    return this.give({ kind: 'savepointRequested', requestId, directory, stop });
  }
}

export function kinds(effects: readonly CoordinatorEffect[]): EffectKind[] {
  return effects.map((effect) => effect.kind);
}

export function only<K extends EffectKind>(effects: readonly CoordinatorEffect[], kind: K): EffectOf<K>[] {
  return effects.filter((effect): effect is EffectOf<K> => effect.kind === kind);
}

/** Ids that were triggered. */
export function triggered(effects: readonly CoordinatorEffect[]): CheckpointId[] {
  return only(effects, 'trigger').map((effect) => effect.checkpoint);
}
