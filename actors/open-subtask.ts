// Opening one subtask: state read back, operators and connector opened, the machine made.
//
// Owns:    what happens between the spawn of a subtask and its `ready`, for subtasks of operators.
// Not:     which state belongs to it (assignment.ts), running it (subtask-actor.ts).
//
// B1. A subtask is ready when it could take its first record: state is back, everything is open.
// B2. Whatever was opened is closed when a later step of the opening fails.

import { Alignment } from '../src/flow/alignment.js';
import { Inbox } from '../src/flow/inbox.js';
import { WatermarkMerge } from '../src/flow/watermark-merge.js';
import { outboxEdges } from '../src/task/assemble.js';
import { Outbox } from '../src/task/outbox.js';
import { TaskMachine } from '../src/task/task-machine.js';
import type { ActorContext } from './kernel/actor.js';
import type { SubtaskMessage } from './messages.js';
import { openSink } from './open-sink.js';
import { openSource } from './open-source.js';
import {
  auditOf,
  beginOpening,
  closeChain,
  makeChain,
  makeSnapshots,
  type Opening,
  openChain,
  restorePoint,
  type SubtaskOpening,
} from './opening.js';
import { handOfOperators } from './place-in-hand.js';
import type { OpenedSubtask } from './subtask-actor.js';

export async function openSubtask(
  of: SubtaskOpening,
  context: ActorContext<SubtaskMessage>,
): Promise<OpenedSubtask> {
  restorePoint(of, context, 'restore.read');
  const opened = await openByKind(beginOpening(of, context));
  try {
    restorePoint(of, context, 'restore.applied');
  } catch (error) {
    // Who dies here has no behavior yet that would close what is open.
    await opened.close();
    throw error;
  }
  return opened;
}

async function openByKind(opening: Opening): Promise<OpenedSubtask> {
  switch (opening.of.vertex.kind) {
    case 'source':
      return openSource(opening);
    case 'sink':
      return openSink(opening);
    default:
      return openOperators(opening);
  }
}

function openOperators(opening: Opening): OpenedSubtask {
  const { of, facts, context } = opening;
  const outbox = new Outbox(outboxEdges(facts), of.tuning);
  const chain = makeChain(opening, outbox);
  const channels = of.channels.inputs.length;
  const machine = new TaskMachine({
    chain,
    outbox,
    inbox: new Inbox(channels, of.tuning.channelCapacityElements),
    alignment: new Alignment(channels, of.alignment),
    merge: new WatermarkMerge(channels),
    snapshots: makeSnapshots(opening, chain.links),
    inputOf: of.channels.inputs.map((channel) => channel.input),
    clock: opening.clock,
  });
  openChain(chain, opening);
  return {
    machine,
    calls: null,
    counters: opening.counters,
    handOf: (error) => handOfOperators(chain, error),
    audit: auditOf(chain),
    close: async () => closeChain(chain, context),
  };
}
