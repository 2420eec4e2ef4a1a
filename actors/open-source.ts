// Opening a source subtask: its splits found or restored, the reader opened at their positions.
//
// Owns:    the way from stored splits to a reading connector.
// Not:     positions and barriers afterwards (src/task/source-machine.ts).

import { assert, present } from '../src/base/assert.js';
import { decode, encode } from '../src/base/codec.js';
import { ConnectorError, RestoreError } from '../src/base/errors.js';
import type { Logger } from '../src/base/logger.js';
import { shownList, shownValue } from '../src/base/shown-text.js';
import type { SubtaskRestore } from '../src/checkpoint/assignment.js';
import type { PlanOperator } from '../src/graph/job-plan.js';
import type { Source, SourceContext, SourceReader, SourceSplit } from '../src/operators/source.js';
import { SplitWatermarks } from '../src/operators/split-watermarks.js';
import type { WatermarkStrategy } from '../src/operators/watermark-strategy.js';
import { encodeAs } from '../src/state/put-check.js';
import { connectorLink, outboxEdges } from '../src/task/assemble.js';
import type { ChainLink } from '../src/task/chain.js';
import { Outbox } from '../src/task/outbox.js';
import { SourceMachine } from '../src/task/source-machine.js';
import { SourceRejects } from '../src/task/source-rejects.js';
import {
  isStoredSplit,
  SPLITS_STATE,
  SplitPositions,
  type StoredSplit,
} from '../src/task/split-positions.js';
import { type StoredShare, shareSplits } from '../src/task/split-shares.js';
import type { ConnectorCalls } from './connector-driver.js';
import {
  auditOf,
  closeChain,
  closeQuietly,
  makeChain,
  makeSnapshots,
  type Opening,
  openChain,
  type SubtaskOpening,
} from './opening.js';
import { handOfSource, type SourceInHand } from './place-in-hand.js';
import type { OpenedSubtask } from './subtask-actor.js';

export async function openSource(opening: Opening): Promise<OpenedSubtask> {
  const { of, context, facts } = opening;
  const head = present(of.vertex.operators[0], 'a source heads its vertex');
  const { work } = head.node;
  assert(work.kind === 'source', 'a source vertex begins with a source', { vertex: of.vertex.id });
  const { source } = work;
  const outbox = new Outbox(outboxEdges(facts), of.tuning);
  const chain = makeChain(opening, outbox);
  const sourceContext = makeSourceContext(opening, head);
  const restored = of.restored.get(head.uid);
  const splits = await splitsOf(source, sourceContext, of);
  // One that had finished has told its end to everybody below, whatever its positions say: after a drain there is more to read.
  const finished = restored?.finished ?? false;
  const live = finished ? [] : splits.filter((split) => !split.ended);
  const { live: resolved, found } = await resolvedStarts(source, live, sourceContext);
  const reader = await source.open(resolved, sourceContext);
  const self: ChainLink = {
    ...connectorLink(of.vertex, of.subtask),
    watermark: 0,
    alarmMs: null,
    ended: false,
    opened: true,
  };
  const awaitsCheckpoint = found && of.checkpointing;
  const positions = new SplitPositions(
    head.name,
    splits.map((split) => resolved.find(({ id }) => id === split.id) ?? split),
  );
  const describe = (index: number): string | undefined =>
    positions.describe(index, (split, position, offset) => source.describe?.(split, position, offset));
  const rejects = new SourceRejects(
    {
      ...{ name: head.name, subtask: of.subtask, declaredAt: head.node.declaredAt },
      ...{ logger: sourceContext.logger, count: sourceContext.count },
    },
    head.node.onError,
  );
  const machine = new SourceMachine(
    {
      name: head.name,
      uid: head.uid,
      chain,
      outbox,
      snapshots: makeSnapshots(opening, [self, ...chain.links]),
      positions,
      watermarks: watermarksOf(work.watermarks, live, head, of.subtask, sourceContext.logger),
      rejects,
      // Counted from where a poll began it would be another one in the next attempt.
      describe: (index) => (source.describe === undefined ? undefined : describe(index)),
      bounded: source.bounded,
      finished,
      awaitsCheckpoint,
      pollRecordsMax: of.tuning.pollRecordsMax,
      freezes: of.freeze,
      encode: encodeAs(`The position of source "${head.name}"`, { operator: head.name, subtask: of.subtask }),
      self,
      clock: opening.clock,
    },
    restored !== undefined,
  );
  try {
    openChain(chain, opening);
  } catch (error) {
    await closeQuietly(reader, context);
    throw error;
  }
  const inHand: SourceInHand = {
    chain,
    taken: (index) => machine.takenRecord(index),
    describe,
    describesPositions: source.describe !== undefined,
  };
  return {
    machine,
    calls: sourceCalls(head.name, reader),
    counters: opening.counters,
    handOf: (error) => handOfSource(inHand, error),
    audit: auditOf(chain),
    awaitsCheckpoint,
    close: async () => {
      closeChain(chain, context);
      await closeQuietly(reader, context);
    },
  };
}

function watermarksOf(
  strategy: WatermarkStrategy<never> | null,
  live: readonly StoredSplit[],
  { name, node }: PlanOperator,
  subtask: number,
  logger: Logger,
): SplitWatermarks | null {
  if (strategy === null) return null;
  const ids = live.map(({ id }) => id);
  return new SplitWatermarks(strategy, ids, { name, subtask, declaredAt: node.declaredAt }, logger);
}

function sourceCalls(name: string, reader: SourceReader<unknown>): ConnectorCalls {
  return {
    name,
    poll: (recordsMax) => reader.poll(recordsMax),
    checkpointed: (positions) => reader.onCheckpointComplete?.(positions),
    close: () => reader.close(),
  };
}

/** What this subtask reads: what it had, and its share of what is new. */
async function splitsOf(
  source: Source<unknown>,
  context: SourceContext,
  { restoredHeads, undeclared }: SubtaskOpening,
): Promise<readonly StoredSplit[]> {
  const nothing: StoredShare = { splits: [], finished: false };
  const stored = Array.from({ length: context.parallelism }, (_, subtask): StoredShare => {
    const restored = restoredHeads[subtask];
    if (restored === undefined) return nothing;
    return { splits: storedSplits(restored, context), finished: restored.finished };
  });
  const known = stored.flatMap(({ splits }) => splits.map(({ id, position }) => ({ id, position })));
  const over = stored.every(({ finished }) => finished);
  const found = over ? await foundAnyway(source, context, known) : await source.discover(context, known);
  refuseTwins(context, found);
  const { shares, gone, unread } = shareSplits(found, stored);
  const own = shares[context.subtask] ?? [];
  if (unread.length > 0 && context.subtask === 0) {
    context.logger.warn(
      { splits: unread },
      'the source had read to its end before, so what is new in it is not read; start the job without its checkpoint to read it',
    );
  }
  if (gone.length === 0) return own;
  if (undeclared === 'refuse') throw splitsGone(context, gone);
  const left = own.filter(({ id }) => gone.includes(id)).map(({ id }) => id);
  if (left.length > 0)
    context.warn('splits are left behind before their end, as allowNonRestoredState says', { splits: left });
  return own.filter(({ id }) => !gone.includes(id));
}

/** Positions that are found by looking, found. `found`: one of them is new, and so must be durable before it is used. */
async function resolvedStarts(
  source: Source<unknown>,
  live: readonly StoredSplit[],
  context: SourceContext,
): Promise<{ readonly live: readonly StoredSplit[]; readonly found: boolean }> {
  if (source.resolve === undefined) return { live, found: false };
  const resolved: StoredSplit[] = [];
  for (const split of live) {
    const { position } = await source.resolve({ id: split.id, position: split.position }, context);
    resolved.push({ ...split, position });
  }
  const found = resolved.some(({ position }, at) => !isSameValue(position, live[at]?.position));
  return { live: resolved, found };
}

function isSameValue(left: unknown, right: unknown): boolean {
  const [a, b] = [encode(left), encode(right)];
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}

/** The source has ended: that there is more, or that nobody can say, stops nothing. */
async function foundAnyway(
  source: Source<unknown>,
  context: SourceContext,
  known: readonly SourceSplit[],
): Promise<readonly SourceSplit[]> {
  try {
    return await source.discover(context, known);
  } catch (error) {
    context.logger.warn(
      { error },
      'the source had read to its end before; whether there is more in it now is not known',
    );
    return known;
  }
}

/** Two splits of one name would be two readers of one position. */
function refuseTwins({ operator, subtask }: SourceContext, found: readonly SourceSplit[]): void {
  const twin = found.find(({ id }, at) => found.findIndex((other) => other.id === id) !== at);
  if (twin === undefined) return;
  throw new ConnectorError(`Source "${operator}" lists the split ${shownValue(twin.id)} twice.`, {
    ...{ operator, subtask, unrecoverable: true },
    remedy: 'Give each split of the source an id of its own in `discover`.',
  });
}

function splitsGone({ operator, subtask }: SourceContext, gone: readonly string[]): RestoreError {
  return new RestoreError(
    `Source "${operator}" does not have any more what the checkpoint has not read to its end:${shownList(gone)}\n`,
    {
      ...{ operator, subtask },
      remedy: 'Put it back into the source, or set allowNonRestoredState to leave the rest of it unread.',
    },
  );
}

function storedSplits(
  restored: SubtaskRestore,
  { operator, subtask }: SourceContext,
): readonly StoredSplit[] {
  const list = restored.lists.find(({ name }) => name === SPLITS_STATE);
  return (list?.items ?? []).map((item) => {
    const split = decode(item);
    if (isStoredSplit(split)) return split;
    throw new RestoreError(
      `What the checkpoint has for a split of source "${operator}" is none: ${shownValue(split)}.`,
      {
        ...{ operator, subtask },
        remedy: 'It is damaged or has been tampered with: restore another checkpoint or savepoint.',
      },
    );
  });
}

function makeSourceContext({ of, context, count }: Opening, { name, uid }: PlanOperator): SourceContext {
  const logger = context.logger.child({ operator: name, subtask: of.subtask });
  return {
    operator: name,
    subtask: of.subtask,
    parallelism: of.vertex.parallelism,
    attempt: of.attempt,
    runtime: context.runtime,
    logger,
    signal: context.signal,
    warn: (message, fields) => {
      count(uid, 'warnings', 1);
      logger.warn(fields ?? {}, message);
    },
    count: (metric, delta) => count(uid, metric, delta),
  };
}
