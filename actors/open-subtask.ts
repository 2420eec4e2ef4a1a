// Opening one subtask: state read back, operators and connector opened, the machine made.
//
// Owns:    what happens between the spawn of a subtask and its `ready`.
// Not:     which state belongs to it (assignment.ts), running it (subtask-actor.ts).
//
// B1. Prepared transactions of the restored checkpoint are committed before the first record of the attempt
//     (semantics 5.22).
// B2. Whatever was opened is closed when a later step of the opening fails.

import { present } from '../src/base/assert.js';
import { decode, encode } from '../src/base/codec.js';
import { ConnectorError, messageOf, WeirError } from '../src/base/errors.js';
import type { AttemptNumber, SubtaskId } from '../src/base/ids.js';
import { CHANNEL_CAPACITY_ELEMENTS } from '../src/base/limits.js';
import type { SubtaskRestore } from '../src/checkpoint/assignment.js';
import type { SegmentReader } from '../src/checkpoint/checkpoint-store.js';
import { Alignment, type AlignmentMode } from '../src/flow/alignment.js';
import { Inbox } from '../src/flow/inbox.js';
import { WatermarkMerge } from '../src/flow/watermark-merge.js';
import type { SubtaskChannels } from '../src/graph/channels.js';
import type { JobPlan, PlanVertex } from '../src/graph/job-plan.js';
import type { Sink, SinkContext, SinkWriter, TransactionalWriter } from '../src/operators/sink.js';
import type { Source, SourceContext, SourceReader, SourceSplit } from '../src/operators/source.js';
import { SplitWatermarks } from '../src/operators/split-watermarks.js';
import {
  chainLinks,
  connectorLink,
  HEAD_UID,
  outboxEdges,
  type RestoredOperator,
  type SubtaskFacts,
} from '../src/task/assemble.js';
import { Chain, type ChainLink } from '../src/task/chain.js';
import { Outbox } from '../src/task/outbox.js';
import { COMMITTABLES_STATE, SinkMachine } from '../src/task/sink-machine.js';
import { Snapshots } from '../src/task/snapshots.js';
import { SourceMachine, SPLITS_STATE, type StoredSplit } from '../src/task/source-machine.js';
import { TaskMachine } from '../src/task/task-machine.js';
import type { ActorContext } from './kernel/actor.js';
import type { SubtaskMessage } from './messages.js';
import type { ConnectorCalls, OpenedSubtask } from './subtask-actor.js';

export interface SubtaskOpening {
  readonly plan: JobPlan;
  readonly vertex: PlanVertex;
  readonly channels: SubtaskChannels;
  readonly subtask: number;
  readonly id: SubtaskId;
  readonly attempt: AttemptNumber;
  readonly freeze: boolean;
  readonly incremental: boolean;
  readonly alignment: AlignmentMode;
  readonly checkpointing: boolean;
  /** By operator uid, those that the checkpoint knows; empty at a first start. */
  readonly restored: ReadonlyMap<string, SubtaskRestore>;
  readonly segments: SegmentReader | null;
}

interface Common {
  readonly facts: SubtaskFacts;
  readonly clock: { nowMs: number };
  readonly counters: Map<string, number>;
  readonly count: (uid: string, metric: string, delta: number) => void;
}

export async function openSubtask(
  opening: SubtaskOpening,
  context: ActorContext<SubtaskMessage>,
): Promise<OpenedSubtask> {
  const common = prepare(opening, context);
  switch (opening.vertex.kind) {
    case 'source':
      return openSource(opening, context, common);
    case 'sink':
      return openSink(opening, context, common);
    default:
      return openOperators(opening, context, common);
  }
}

function prepare(opening: SubtaskOpening, context: ActorContext<SubtaskMessage>): Common {
  const clock = { nowMs: context.runtime.clock.wallMs() };
  const counters = new Map<string, number>();
  const point = (step: string): void =>
    context.runtime.points?.hit(step, {
      role: roleOf(opening.vertex),
      subtask: opening.id,
      attempt: opening.attempt,
    });
  if (opening.restored.size > 0) point('restore.read');
  const facts: SubtaskFacts = {
    plan: opening.plan,
    vertex: opening.vertex,
    channels: opening.channels,
    subtask: opening.subtask,
    freeze: opening.freeze,
    restored: restoredOperators(opening),
    random: context.runtime.random(`partitioner ${opening.id}`),
    logger: context.logger,
    now: () => clock.nowMs,
  };
  if (opening.restored.size > 0) point('restore.applied');
  const count = (uid: string, metric: string, delta: number): void => {
    const name = `${uid}.${metric}`;
    counters.set(name, (counters.get(name) ?? 0) + delta);
  };
  return { facts, clock, counters, count };
}

export function roleOf(vertex: PlanVertex): 'source' | 'operator' | 'sink' {
  return vertex.kind === 'operators' ? 'operator' : vertex.kind;
}

function restoredOperators(opening: SubtaskOpening): ReadonlyMap<string, RestoredOperator> {
  const reader = opening.segments;
  return new Map(
    [...opening.restored].map(([uid, { chains, lists, finished }]) => {
      const read = chains.map((chain) =>
        chain.map((segment) => present(reader, 'a reader of segments').readSegment(segment)),
      );
      return [uid, { chains: read, lists, finished }];
    }),
  );
}

// ---------------------------------------------------------------- operators

function openOperators(
  opening: SubtaskOpening,
  context: ActorContext<SubtaskMessage>,
  common: Common,
): OpenedSubtask {
  const outbox = new Outbox(outboxEdges(common.facts), CHANNEL_CAPACITY_ELEMENTS);
  const chain = makeChain(opening, context, common, outbox);
  const channels = opening.channels.inputs.length;
  const machine = new TaskMachine({
    chain,
    outbox,
    inbox: new Inbox(channels, CHANNEL_CAPACITY_ELEMENTS),
    alignment: new Alignment(channels, opening.alignment),
    merge: new WatermarkMerge(channels),
    snapshots: makeSnapshots(opening, chain.links),
    inputOf: opening.channels.inputs.map((channel) => channel.input),
    clock: common.clock,
  });
  openChain(chain, context);
  return {
    machine,
    calls: null,
    counters: common.counters,
    position: () => (chain.recordsIn === 0 ? undefined : `record ${chain.recordInHand} of this subtask`),
    close: async () => closeChain(chain, context),
  };
}

function makeChain(
  opening: SubtaskOpening,
  context: ActorContext<SubtaskMessage>,
  common: Common,
  outbox: Outbox,
): Chain {
  const { vertex, subtask, attempt } = opening;
  return new Chain(chainLinks(common.facts), outbox, {
    subtask,
    parallelism: vertex.parallelism,
    maxParallelism: vertex.maxParallelism,
    attempt,
    logger: context.logger,
    now: common.facts.now,
    count: common.count,
  });
}

function makeSnapshots(opening: SubtaskOpening, links: readonly ChainLink[]): Snapshots {
  const { subtask, attempt, incremental } = opening;
  return new Snapshots({
    subtask,
    attempt,
    incremental,
    links: links.filter((link) => link.uid !== HEAD_UID),
  });
}

function openChain(chain: Chain, context: ActorContext<SubtaskMessage>): void {
  try {
    chain.open();
  } catch (error) {
    closeChain(chain, context);
    throw error;
  }
}

function closeChain(chain: Chain, context: ActorContext<SubtaskMessage>): void {
  chain.close((error) => context.logger.warn({ error: messageOf(error) }, 'an operator failed to close'));
}

// ---------------------------------------------------------------- sources

async function openSource(
  opening: SubtaskOpening,
  context: ActorContext<SubtaskMessage>,
  common: Common,
): Promise<OpenedSubtask> {
  const { vertex } = opening;
  const head = present(vertex.operators[0], 'a source heads its vertex');
  const work = head.node.work;
  if (work.kind !== 'source')
    throw new ConnectorError('a source vertex begins with a source', { operator: head.name });
  const outbox = new Outbox(outboxEdges(common.facts), CHANNEL_CAPACITY_ELEMENTS);
  const chain = makeChain(opening, context, common, outbox);
  const sourceContext = makeSourceContext(opening, context, common, head.name, head.uid);
  const restored = opening.restored.get(head.uid);
  const splits = restored === undefined ? await discover(work.source, sourceContext) : storedSplits(restored);
  const live = splits.filter((split) => !split.ended);
  const reader = await work.source.open(live, sourceContext);
  const self: ChainLink = {
    ...connectorLink(vertex, opening.subtask),
    watermark: 0,
    alarmMs: null,
    ended: false,
    opened: true,
  };
  const machine = new SourceMachine(
    {
      name: head.name,
      uid: head.uid,
      chain,
      outbox,
      snapshots: makeSnapshots(opening, [self, ...chain.links]),
      splits,
      watermarks:
        work.watermarks === null
          ? null
          : new SplitWatermarks(
              work.watermarks,
              live.map(({ id }) => id),
              { name: head.name, subtask: opening.subtask, declaredAt: head.node.declaredAt },
            ),
      bounded: work.source.bounded,
      encode,
      self,
      clock: common.clock,
    },
    restored !== undefined,
  );
  openChain(chain, context);
  return {
    machine,
    calls: sourceCalls(head.name, reader),
    counters: common.counters,
    position: () =>
      machine.position((split, position, offset) => work.source.describe?.(split, position, offset)),
    close: async () => {
      closeChain(chain, context);
      await closeQuietly(reader, context);
    },
  };
}

function sourceCalls(name: string, reader: SourceReader<unknown>): ConnectorCalls {
  return {
    name,
    poll: (recordsMax) => reader.poll(recordsMax),
    checkpointed: (positions) => reader.onCheckpointComplete?.(positions),
    close: () => reader.close(),
  };
}

async function discover(source: Source<unknown>, context: SourceContext): Promise<readonly StoredSplit[]> {
  const all = await source.discover(context);
  return all
    .filter((_, index) => index % context.parallelism === context.subtask)
    .map(({ id, position }: SourceSplit) => ({ id, position, ended: false }));
}

function storedSplits(restored: SubtaskRestore): readonly StoredSplit[] {
  const list = restored.lists.find(({ name }) => name === SPLITS_STATE);
  return (list?.items ?? []).map((item) => decode(item) as StoredSplit);
}

function makeSourceContext(
  opening: SubtaskOpening,
  context: ActorContext<SubtaskMessage>,
  common: Common,
  operator: string,
  uid: string,
): SourceContext {
  const logger = context.logger.child({ operator, subtask: opening.subtask });
  return {
    operator,
    subtask: opening.subtask,
    parallelism: opening.vertex.parallelism,
    attempt: opening.attempt,
    runtime: context.runtime,
    logger,
    signal: context.signal,
    warn: (message, fields) => {
      common.count(uid, 'warnings', 1);
      logger.warn(fields ?? {}, message);
    },
    count: (metric, delta) => common.count(uid, metric, delta),
  };
}

// ---------------------------------------------------------------- sinks

async function openSink(
  opening: SubtaskOpening,
  context: ActorContext<SubtaskMessage>,
  common: Common,
): Promise<OpenedSubtask> {
  const { vertex } = opening;
  const head = present(vertex.operators[0], 'a sink is the only operator of its vertex');
  const work = head.node.work;
  if (work.kind !== 'sink') throw new ConnectorError('a sink vertex holds a sink', { operator: head.name });
  const sink = work.sink as Sink<unknown>;
  const writer = await openWriter(sink, makeSinkContext(opening, context, common, head.name, head.uid));
  try {
    const restored = opening.restored.get(head.uid);
    if (writer.kind === 'transactional') await recover(writer.writer, restored, opening);
  } catch (error) {
    await closeQuietly(writer.writer, context);
    throw error instanceof WeirError
      ? error
      : new ConnectorError(`Sink "${head.name}" failed to recover: ${messageOf(error)}`, {
          operator: head.name,
          subtask: opening.subtask,
          cause: error,
        });
  }
  const channels = opening.channels.inputs.length;
  const self: ChainLink = {
    ...connectorLink(vertex, opening.subtask),
    watermark: 0,
    alarmMs: null,
    ended: false,
    opened: true,
  };
  const machine = new SinkMachine({
    name: head.name,
    uid: head.uid,
    subtask: opening.subtask,
    transactional: writer.kind === 'transactional',
    checkpointing: opening.checkpointing,
    channels,
    inbox: new Inbox(channels, CHANNEL_CAPACITY_ELEMENTS),
    alignment: new Alignment(channels, opening.alignment),
    merge: new WatermarkMerge(channels),
    snapshots: makeSnapshots(opening, [self]),
    encode,
    self,
  });
  return {
    machine,
    calls: sinkCalls(head.name, writer),
    counters: common.counters,
    position: () => undefined,
    close: () => closeQuietly(writer.writer, context),
  };
}

type OpenWriter =
  | { readonly kind: 'plain'; readonly writer: SinkWriter<unknown> }
  | { readonly kind: 'transactional'; readonly writer: TransactionalWriter<unknown, unknown> };

async function openWriter(sink: Sink<unknown>, context: SinkContext): Promise<OpenWriter> {
  if (sink.guarantee === 'transactional') return { kind: 'transactional', writer: await sink.open(context) };
  return { kind: 'plain', writer: await sink.open(context) };
}

async function recover(
  writer: TransactionalWriter<unknown, unknown>,
  restored: SubtaskRestore | undefined,
  opening: SubtaskOpening,
): Promise<void> {
  const list = restored?.lists.find(({ name }) => name === COMMITTABLES_STATE);
  const known = (list?.items ?? []).map(
    (item) => (decode(item) as { readonly committable: unknown }).committable,
  );
  const mine = known.filter((_, index) => index % opening.vertex.parallelism === opening.subtask);
  await writer.recover({ commit: mine, known });
}

function sinkCalls(name: string, open: OpenWriter): ConnectorCalls {
  if (open.kind === 'plain') {
    const { writer } = open;
    return {
      name,
      write: (values, timestamps) => writer.write(values, timestamps),
      flush: () => writer.flush(),
      close: () => writer.close(),
    };
  }
  const { writer } = open;
  return {
    name,
    write: (values, timestamps) => writer.write(values, timestamps),
    // Written records are prepared by the next checkpoint; there is nothing to flush before.
    flush: () => undefined,
    prepare: (checkpoint) => writer.prepare(checkpoint),
    commit: (checkpoint, committables) => writer.commit(checkpoint, committables),
    close: () => writer.close(),
  };
}

function makeSinkContext(
  opening: SubtaskOpening,
  context: ActorContext<SubtaskMessage>,
  common: Common,
  operator: string,
  uid: string,
): SinkContext {
  return {
    operator,
    uid,
    job: opening.plan.job,
    subtask: opening.subtask,
    parallelism: opening.vertex.parallelism,
    attempt: opening.attempt,
    checkpointing: opening.checkpointing,
    runtime: context.runtime,
    logger: context.logger.child({ operator, subtask: opening.subtask }),
    signal: context.signal,
    count: (metric, delta) => common.count(uid, metric, delta),
  };
}

async function closeQuietly(
  connector: { close(): void | Promise<void> },
  context: ActorContext<SubtaskMessage>,
): Promise<void> {
  try {
    await connector.close();
  } catch (error) {
    context.logger.warn({ error: messageOf(error) }, 'a connector failed to close');
  }
}
