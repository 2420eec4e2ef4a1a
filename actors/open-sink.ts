// Opening a sink subtask: the writer opened, what the restored checkpoint had prepared committed.
//
// Owns:    the way from stored committables to a writer that may take records.
// Not:     prepares and commits afterwards (src/task/sink-machine.ts).
//
// K1. Prepared transactions of the restored checkpoint are committed before the first record of the attempt
//     (semantics 5.22). Those of one writer are committed by one subtask, in the order of their checkpoints: results that
//     were written in order are seen in order, also after a restart.

import { assert, present } from '../src/base/assert.js';
import { decode } from '../src/base/codec.js';
import { ConnectorError, messageOf, RestoreError, WeirError } from '../src/base/errors.js';
import { shownValue } from '../src/base/shown-text.js';
import { Alignment } from '../src/flow/alignment.js';
import { Inbox } from '../src/flow/inbox.js';
import { WatermarkMerge } from '../src/flow/watermark-merge.js';
import type { PlanOperator } from '../src/graph/job-plan.js';
import type { Sink, SinkContext, SinkWriter, TransactionalWriter } from '../src/operators/sink.js';
import { encodeAs } from '../src/state/put-check.js';
import { connectorLink } from '../src/task/assemble.js';
import type { ChainLink } from '../src/task/chain.js';
import {
  COMMITTABLES_STATE,
  isStoredCommittable,
  SinkMachine,
  type StoredCommittable,
} from '../src/task/sink-machine.js';
import type { ConnectorCalls } from './connector-driver.js';
import { closeQuietly, makeSnapshots, type Opening } from './opening.js';
import type { OpenedSubtask } from './subtask-actor.js';

type OpenWriter =
  | { readonly kind: 'plain'; readonly writer: SinkWriter<unknown> }
  | { readonly kind: 'transactional'; readonly writer: TransactionalWriter<unknown, unknown> };

export async function openSink(opening: Opening): Promise<OpenedSubtask> {
  const { of, context } = opening;
  const head = present(of.vertex.operators[0], 'a sink is the only operator of its vertex');
  const { work } = head.node;
  assert(work.kind === 'sink', 'a sink vertex holds a sink', { vertex: of.vertex.id });
  const open = await openWriter(work.sink as Sink<unknown>, makeSinkContext(opening, head));
  if (open.kind === 'transactional') await recover(open.writer, opening, head);
  const channels = of.channels.inputs.length;
  const self: ChainLink = {
    ...connectorLink(of.vertex, of.subtask),
    watermark: 0,
    alarmMs: null,
    ended: false,
    opened: true,
  };
  const machine = new SinkMachine({
    name: head.name,
    uid: head.uid,
    subtask: of.subtask,
    transactional: open.kind === 'transactional',
    checkpointing: of.checkpointing,
    channels,
    inbox: new Inbox(channels, of.tuning.channelCapacityElements),
    alignment: new Alignment(channels, of.alignment),
    merge: new WatermarkMerge(channels),
    snapshots: makeSnapshots(opening, [self]),
    encode: encodeAs(`A prepared transaction of sink "${head.name}"`, {
      operator: head.name,
      subtask: of.subtask,
    }),
    self,
  });
  return {
    machine,
    calls: sinkCalls(head.name, open),
    counters: opening.counters,
    handOf: () => ({}),
    audit: () => [],
    close: () => closeQuietly(open.writer, context),
  };
}

async function openWriter(sink: Sink<unknown>, context: SinkContext): Promise<OpenWriter> {
  if (sink.guarantee === 'transactional') return { kind: 'transactional', writer: await sink.open(context) };
  return { kind: 'plain', writer: await sink.open(context) };
}

function storedCommittable(stored: unknown, operator: string, subtask: number): StoredCommittable {
  if (isStoredCommittable(stored)) return stored;
  throw new RestoreError(
    `What the checkpoint has for a prepared transaction of sink "${operator}" is none: ${shownValue(stored)}.`,
    {
      ...{ operator, subtask },
      remedy: 'It is damaged or has been tampered with: restore another checkpoint or savepoint.',
    },
  );
}

async function recover(
  writer: TransactionalWriter<unknown, unknown>,
  { of, context }: Opening,
  { name, uid }: PlanOperator,
): Promise<void> {
  const list = of.restored.get(uid)?.lists.find((each) => each.name === COMMITTABLES_STATE);
  const stored = (list?.items ?? []).map((item) => storedCommittable(decode(item), name, of.subtask));
  const known = stored.map(({ committable }) => committable);
  const commit = stored
    .filter(({ writer }, index) => (writer ?? index) % of.vertex.parallelism === of.subtask)
    .sort((a, b) => a.checkpoint - b.checkpoint)
    .map(({ committable }) => committable);
  try {
    await writer.recover({ commit, known });
  } catch (error) {
    await closeQuietly(writer, context);
    if (error instanceof WeirError) throw error;
    throw new ConnectorError(`Sink "${name}" failed to recover: ${messageOf(error)}`, {
      operator: name,
      subtask: of.subtask,
      cause: error,
    });
  }
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

function makeSinkContext({ of, context, count }: Opening, { name, uid }: PlanOperator): SinkContext {
  return {
    operator: name,
    uid,
    job: of.plan.job,
    subtask: of.subtask,
    parallelism: of.vertex.parallelism,
    attempt: of.attempt,
    checkpointing: of.checkpointing,
    runtime: context.runtime,
    logger: context.logger.child({ operator: name, subtask: of.subtask }),
    signal: context.signal,
    count: (metric, delta) => count(uid, metric, delta),
  };
}
