// The machines of the simulated job, put together as the engine does it: a source, an operator that counts per key, a sink.
//
// Owns:    the plan of the job, and the parts of each machine with their restored state.
// Not:     driving machines (subtask-role.ts).
//
// T1. Nothing here is a copy of the engine's logic: machines, chain, outbox, inbox, alignment, snapshots and state are its own.

import { present } from '../../../src/base/assert.js';
import { decode, encode } from '../../../src/base/codec.js';
import type { AttemptNumber } from '../../../src/base/ids.js';
import { silentLogger } from '../../../src/base/logger.js';
import { MIN_TIMESTAMP } from '../../../src/base/timestamps.js';
import { DEFAULT_TUNING } from '../../../src/base/tuning.js';
import type { RestoringOperator, SubtaskRestore } from '../../../src/checkpoint/assignment.js';
import type { SegmentRef } from '../../../src/checkpoint/manifest.js';
import { Alignment } from '../../../src/flow/alignment.js';
import { Inbox } from '../../../src/flow/inbox.js';
import { createPartitioner } from '../../../src/flow/partitioner.js';
import { WatermarkMerge } from '../../../src/flow/watermark-merge.js';
import type { Operator, OperatorContext } from '../../../src/operators/operator.js';
import type { ValueState } from '../../../src/state/descriptors.js';
import { canonicalKey } from '../../../src/state/key.js';
import { keyGroupRange } from '../../../src/state/key-groups.js';
import { hashKey } from '../../../src/state/key-hash.js';
import { KeyedBackend } from '../../../src/state/keyed-backend.js';
import { OperatorStateStore } from '../../../src/state/operator-state.js';
import { Chain, type ChainLink, type ChainLinkSpec } from '../../../src/task/chain.js';
import type { Machine } from '../../../src/task/effect.js';
import { Outbox } from '../../../src/task/outbox.js';
import { COMMITTABLES_STATE, SinkMachine } from '../../../src/task/sink-machine.js';
import { Snapshots } from '../../../src/task/snapshots.js';
import { SourceMachine } from '../../../src/task/source-machine.js';
import { SourceRejects } from '../../../src/task/source-rejects.js';
import { SPLITS_STATE, SplitPositions, type StoredSplit } from '../../../src/task/split-positions.js';
import { TaskMachine } from '../../../src/task/task-machine.js';
import type { CountedRecord } from './external-sink.js';

export const SOURCE = 'in';
export const COUNT = 'count';
export const SINK = 'out';
/** Independent parts of the input; record `id` is in split `id % SPLITS`. */
export const SPLITS = 2;
const MAX_PARALLELISM = 16;

export interface InputRecord {
  readonly id: number;
  readonly key: number;
}

export function operatorsOf(parallelism: number): readonly RestoringOperator[] {
  return [SOURCE, COUNT, SINK].map((uid) => ({
    uid,
    name: uid,
    parallelism,
    maxParallelism: MAX_PARALLELISM,
    explicitMaxParallelism: false,
  }));
}

export interface SubtaskShape {
  readonly subtask: number;
  readonly parallelism: number;
  readonly attempt: AttemptNumber;
  readonly incremental: boolean;
  /** Null at a first start. */
  readonly restored: SubtaskRestore | null;
  readonly readSegment: (segment: SegmentRef) => Iterable<Uint8Array>;
  /** Records that the restored checkpoint covers, for the operator and sink that go on counting them. */
  readonly handled: number;
}

/** A machine and how far it had come at each of its latest snapshots. */
export interface MadeSubtask {
  readonly machine: Machine;
  /** Records covered by the snapshot that has just started. */
  readonly covered: () => number;
}

export function makeSource(shape: SubtaskShape): MadeSubtask {
  const outbox = outboxOf(shape);
  const chain = chainOf(shape, outbox, [
    { ...linkSpec('', passThrough()), main: [{ kind: 'edge', index: 0 }] },
  ]);
  const self = selfLink(SOURCE);
  const splits = splitsOf(shape);
  const atBarriers: number[] = [];
  const machine = new SourceMachine(
    {
      name: SOURCE,
      uid: SOURCE,
      chain,
      outbox,
      snapshots: snapshotsOf(shape, [self]),
      positions: new SplitPositions(SOURCE, splits),
      watermarks: null,
      rejects: new SourceRejects(
        {
          name: SOURCE,
          subtask: shape.subtask,
          declaredAt: undefined,
          logger: silentLogger,
          count: () => undefined,
        },
        'fail',
      ),
      describe: () => undefined,
      bounded: true,
      finished: false,
      awaitsCheckpoint: false,
      pollRecordsMax: DEFAULT_TUNING.pollRecordsMax,
      freezes: false,
      encode: (value) => {
        atBarriers.push((value as StoredSplit).position as number);
        return encode(value);
      },
      self,
      clock: { nowMs: 0 },
    },
    shape.restored !== null,
  );
  chain.open();
  return {
    machine,
    covered: () => atBarriers.splice(0, splits.length).reduce((sum, position) => sum + position, 0),
  };
}

/** Where this subtask starts to read, by split. */
export function splitsOf({ restored, subtask, parallelism }: SubtaskShape): readonly StoredSplit[] {
  if (restored !== null) {
    const list = restored.lists.find(({ name }) => name === SPLITS_STATE);
    return (list?.items ?? []).map((item) => decode(item) as StoredSplit);
  }
  return Array.from({ length: SPLITS }, (_, split) => split)
    .filter((split) => split % parallelism === subtask)
    .map((split) => ({ id: String(split), position: 0, ended: false }));
}

export function makeCount(shape: SubtaskShape): MadeSubtask {
  const { subtask, parallelism, restored, readSegment } = shape;
  const outbox = outboxOf(shape);
  const keyed = new KeyedBackend({
    operator: COUNT,
    subtask,
    maxParallelism: MAX_PARALLELISM,
    range: keyGroupRange(subtask, MAX_PARALLELISM, parallelism),
    freeze: false,
    processingTimeMs: () => 0,
  });
  if (restored !== null) keyed.restore(restored.chains.flatMap((chain) => chain.map(readSegment)));
  const operator = new Counting(shape.handled);
  const finished = restored?.finished ?? false;
  const chain = chainOf(shape, outbox, [
    { ...linkSpec(COUNT, operator), keyed, main: [{ kind: 'edge', index: 0 }], finished },
  ]);
  const machine = new TaskMachine({
    chain,
    outbox,
    ...inputsOf(parallelism),
    snapshots: snapshotsOf(shape, chain.links),
    inputOf: new Array<0>(parallelism).fill(0),
    clock: { nowMs: 0 },
  });
  chain.open();
  return { machine, covered: () => operator.atSnapshots.shift() ?? operator.handled };
}

export function makeSink(shape: SubtaskShape, covered: () => number): MadeSubtask {
  const self = selfLink(SINK);
  const machine = new SinkMachine({
    name: SINK,
    uid: SINK,
    subtask: shape.subtask,
    transactional: true,
    checkpointing: true,
    channels: shape.parallelism,
    ...inputsOf(shape.parallelism),
    snapshots: snapshotsOf(shape, [self]),
    encode,
    self,
  });
  return { machine, covered };
}

/** Names of the transactions that the restored checkpoint had prepared, over all subtasks. */
export function preparedNames(restored: SubtaskRestore | null): readonly string[] {
  const list = restored?.lists.find(({ name }) => name === COMMITTABLES_STATE);
  return (list?.items ?? []).map((item) => (decode(item) as { readonly committable: string }).committable);
}

class Counting implements Operator {
  handled: number;
  readonly atSnapshots: number[] = [];
  #context: OperatorContext | null = null;
  #counts: ValueState<number> | null = null;

  constructor(handled: number) {
    this.handled = handled;
  }

  open(context: OperatorContext): void {
    this.#context = context;
    this.#counts = present(context.keyed, 'keyed state').value<number>('count');
  }

  onRecord(value: unknown, timestamp: number): void {
    const { id, key } = value as InputRecord;
    const context = this.#context as OperatorContext;
    (context.keyed as KeyedBackend).setKey(key);
    const counts = this.#counts as ValueState<number>;
    const count = (counts.get() ?? 0) + 1;
    counts.set(count);
    this.handled += 1;
    context.output.emit({ id, key, count } satisfies CountedRecord, timestamp);
  }

  onSnapshot(): void {
    this.atSnapshots.push(this.handled);
  }

  close(): void {
    this.#context = null;
  }
}

function outboxOf({ subtask, parallelism }: SubtaskShape): Outbox {
  const choice = createPartitioner(
    { kind: 'key', hashOfKey: hashOfRecord, maxParallelism: MAX_PARALLELISM },
    subtask,
    parallelism,
    parallelism,
    NO_RANDOM,
  );
  const channels = Array.from({ length: parallelism }, (_, channel) => channel);
  return new Outbox([{ choice, channels }], DEFAULT_TUNING);
}

function inputsOf(channels: number): {
  readonly inbox: Inbox;
  readonly alignment: Alignment;
  readonly merge: WatermarkMerge;
} {
  return {
    inbox: new Inbox(channels, DEFAULT_TUNING.channelCapacityElements),
    alignment: new Alignment(channels, 'aligned'),
    merge: new WatermarkMerge(channels),
  };
}

function chainOf(shape: SubtaskShape, outbox: Outbox, links: readonly ChainLinkSpec[]): Chain {
  return new Chain(links, outbox, {
    subtask: shape.subtask,
    parallelism: shape.parallelism,
    maxParallelism: MAX_PARALLELISM,
    attempt: shape.attempt,
    undeclared: 'refuse',
    logger: silentLogger,
    now: () => 0,
    freezes: false,
    count: () => undefined,
  });
}

function snapshotsOf(
  { subtask, attempt, incremental }: SubtaskShape,
  links: readonly ChainLink[],
): Snapshots {
  return new Snapshots({ subtask, attempt, incremental, tuning: DEFAULT_TUNING, links });
}

function linkSpec(uid: string, operator: Operator): ChainLinkSpec {
  return {
    uid,
    name: uid,
    declaredAt: undefined,
    operator,
    keyed: null,
    operatorState: new OperatorStateStore({ operator: uid, subtask: 0, freeze: false }),
    main: [],
    sides: new Map(),
    finished: false,
  };
}

function selfLink(uid: string): ChainLink {
  return {
    ...linkSpec(uid, passThrough()),
    watermark: MIN_TIMESTAMP,
    alarmMs: null,
    ended: false,
    opened: true,
  };
}

function passThrough(): Operator {
  let context: OperatorContext | null = null;
  return {
    open: (opened) => {
      context = opened;
    },
    onRecord: (value, timestamp) => context?.output.emit(value, timestamp),
    close: () => undefined,
  };
}

function hashOfRecord(value: unknown): number {
  return hashKey(canonicalKey((value as InputRecord).key));
}

const NO_RANDOM = { next: (): number => 0 };
