// What the openings of all kinds of subtasks share.
//
// Owns:    the facts of one opening, and the parts that every subtask is built from.
// Not:     sources (open-source.ts), sinks (open-sink.ts), which is opened (open-subtask.ts).

import { present } from '../src/base/assert.js';
import { messageOf } from '../src/base/errors.js';
import type { AttemptNumber, SubtaskId } from '../src/base/ids.js';
import type { Tuning } from '../src/base/tuning.js';
import type { SubtaskRestore } from '../src/checkpoint/assignment.js';
import type { SegmentReader } from '../src/checkpoint/checkpoint-store.js';
import type { AlignmentMode } from '../src/flow/alignment.js';
import type { SubtaskChannels } from '../src/graph/channels.js';
import type { JobPlan, PlanVertex } from '../src/graph/job-plan.js';
import { chainLinks, HEAD_UID, type RestoredOperator, type SubtaskFacts } from '../src/task/assemble.js';
import { Chain, type ChainLink } from '../src/task/chain.js';
import type { ProtocolStep } from '../src/task/effect.js';
import type { Outbox } from '../src/task/outbox.js';
import { Snapshots } from '../src/task/snapshots.js';
import type { ActorContext } from './kernel/actor.js';
import type { SubtaskMessage } from './messages.js';

export interface SubtaskOpening {
  readonly plan: JobPlan;
  readonly vertex: PlanVertex;
  readonly channels: SubtaskChannels;
  readonly subtask: number;
  readonly id: SubtaskId;
  readonly attempt: AttemptNumber;
  readonly freeze: boolean;
  readonly tuning: Tuning;
  /** The job may have changed since the state was written: look at its first keys. */
  readonly checkKeys: boolean;
  /** Restored state that its operator does not declare: refuse it, or leave it behind. */
  readonly undeclared: 'refuse' | 'leave';
  readonly incremental: boolean;
  readonly alignment: AlignmentMode;
  readonly checkpointing: boolean;
  /** By operator uid, those that the checkpoint knows; empty at a first start. */
  readonly restored: ReadonlyMap<string, SubtaskRestore>;
  /** The same of all subtasks of the head. */
  readonly restoredHeads: readonly SubtaskRestore[];
  readonly segments: SegmentReader | null;
}

/** One opening under way. */
export interface Opening {
  readonly of: SubtaskOpening;
  readonly context: ActorContext<SubtaskMessage>;
  readonly facts: SubtaskFacts;
  readonly clock: { nowMs: number };
  readonly counters: Map<string, number>;
  readonly count: (uid: string, metric: string, delta: number) => void;
}

export function beginOpening(of: SubtaskOpening, context: ActorContext<SubtaskMessage>): Opening {
  const clock = { nowMs: context.runtime.clock.wallMs() };
  const counters = new Map<string, number>();
  const facts: SubtaskFacts = {
    plan: of.plan,
    vertex: of.vertex,
    channels: of.channels,
    subtask: of.subtask,
    freeze: of.freeze,
    tuning: of.tuning,
    checkKeys: of.checkKeys,
    restored: restoredOperators(of),
    random: context.runtime.random(`partitioner ${of.id}`),
    logger: context.logger,
    now: () => clock.nowMs,
  };
  const count = (uid: string, metric: string, delta: number): void => {
    const name = `${uid}.${metric}`;
    counters.set(name, (counters.get(name) ?? 0) + delta);
  };
  return { of, context, facts, clock, counters, count };
}

export function roleOf(vertex: PlanVertex): 'source' | 'operator' | 'sink' {
  return vertex.kind === 'operators' ? 'operator' : vertex.kind;
}

/** A protocol step of the restore; nothing at a first start. */
export function restorePoint(
  of: SubtaskOpening,
  context: ActorContext<SubtaskMessage>,
  step: ProtocolStep,
): void {
  if (of.restored.size === 0) return;
  context.runtime.points?.hit(step, { role: roleOf(of.vertex), subtask: of.id, attempt: of.attempt });
}

function restoredOperators(of: SubtaskOpening): ReadonlyMap<string, RestoredOperator> {
  return new Map(
    [...of.restored].map(([uid, { chains, lists, finished }]) => {
      const read = chains.map((chain) =>
        chain.map((segment) => present(of.segments, 'a reader of segments').readSegment(segment)),
      );
      return [uid, { chains: read, lists, finished }];
    }),
  );
}

/** The chain with its state restored; not yet open. */
export function makeChain({ of, context, facts, count }: Opening, outbox: Outbox): Chain {
  const { vertex, subtask, attempt } = of;
  return new Chain(chainLinks(facts), outbox, {
    subtask,
    parallelism: vertex.parallelism,
    maxParallelism: vertex.maxParallelism,
    attempt,
    logger: context.logger,
    undeclared: of.undeclared,
    now: facts.now,
    freezes: facts.freeze,
    count,
  });
}

export function makeSnapshots({ of }: Opening, links: readonly ChainLink[]): Snapshots {
  const { subtask, attempt, incremental, tuning } = of;
  return new Snapshots({
    subtask,
    attempt,
    incremental,
    tuning,
    links: links.filter((link) => link.uid !== HEAD_UID),
  });
}

/** A recount of all keyed state of the chain. */
export function auditOf(chain: Chain): () => readonly string[] {
  return () =>
    chain.links.flatMap(({ name, keyed }) =>
      (keyed?.audit() ?? []).map((problem) => `"${name}": ${problem}`),
    );
}

export function openChain(chain: Chain, { context }: Opening): void {
  try {
    chain.open();
  } catch (error) {
    closeChain(chain, context);
    throw error;
  }
}

export function closeChain(chain: Chain, context: ActorContext<SubtaskMessage>): void {
  chain.close((error) => context.logger.warn({ error: messageOf(error) }, 'an operator failed to close'));
}

export async function closeQuietly(
  connector: { close(): void | Promise<void> },
  context: ActorContext<SubtaskMessage>,
): Promise<void> {
  try {
    await connector.close();
  } catch (error) {
    context.logger.warn({ error: messageOf(error) }, 'a connector failed to close');
  }
}
