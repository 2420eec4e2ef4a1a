// Faults that hit actors and what passes between them.
//
// Owns:    the verbs of `fault.actor`, `fault.link` and `fault.barrier`, and the names that they carry as types.
// Not:     when they fire (built-fault.ts).

import { ConfigError } from '../base/errors.js';
import { type OpenFault, openFault } from './built-fault.js';
import { type Duration, durationMs } from './durations.js';

/** The names that a scenario must have. Any actor (`*`) and paths (`/till`) are looked up when the run begins. */
export type NamedActor<N extends string> = N extends '*' | `/${string}` ? never : N;

/** `<from> -> <to>`, each an actor or `*`; `*` alone: any link. */
export type LinkText = '*' | `${string} -> ${string}`;

/** The actors that a link names. */
export type NamedInLink<L extends string> = L extends `${infer A} -> ${infer B}`
  ? NamedActor<A> | NamedActor<B>
  : never;

/** Parameter `ms` of a fault; undefined: the default of the kind. */
export function msParameter(name: string, duration: Duration | undefined): { readonly ms?: number } {
  return duration === undefined ? {} : { ms: durationMs(duration, `fault ${name}`) };
}

/** What can happen to one actor: its handler, its mailbox, its part in checkpoints. */
export class ActorFaults<out N extends string = string> {
  private readonly target: string;

  constructor(target: string) {
    this.target = target;
  }

  /** The handler throws. */
  throws(): OpenFault<N> {
    return openFault('actor.throw', this.target);
  }
  /** The handler rejects after an await. */
  rejects(): OpenFault<N> {
    return openFault('actor.reject', this.target);
  }
  /** The handler never settles. */
  hangs(): OpenFault<N> {
    return openFault('actor.hang', this.target);
  }
  /** The handler throws at every message. */
  poisons(): OpenFault<N> {
    return openFault('actor.poison', this.target);
  }
  /** The actor dies. */
  crashes(): OpenFault<N> {
    return openFault('actor.crash', this.target);
  }
  /** The actor dies while its handler awaits. */
  crashesAwaiting(): OpenFault<N> {
    return openFault('actor.crashAwaiting', this.target);
  }
  /** The setup of the actor throws. */
  setupThrows(): OpenFault<N> {
    return openFault('actor.setupThrow', this.target);
  }
  /** The supervision policy throws. */
  policyThrows(): OpenFault<N> {
    return openFault('actor.policyThrow', this.target);
  }
  /** The handler takes so much longer, and the mailbox fills. Default 20 ms, at most 500 ms. */
  slow(duration?: Duration): OpenFault<N> {
    return openFault('actor.slow', this.target, msParameter('actor.slow', duration));
  }
  /** The handler blocks its thread. Default 200 ms, at most 2 s. */
  blocks(duration?: Duration): OpenFault<N> {
    return openFault('actor.block', this.target, msParameter('actor.block', duration));
  }
  /** The actor is stopped while others hold its ref. */
  stops(): OpenFault<N> {
    return openFault('actor.stop', this.target);
  }
  /** The mailbox holds so few messages. Default 1, at most 8. */
  mailbox(capacity?: number): OpenFault<N> {
    return openFault('mailbox.small', this.target, { capacity });
  }
  /** The mailbox holds so few messages and drops the others. Default 1, at most 8. */
  dropsOverflow(capacity?: number): OpenFault<N> {
    return openFault('mailbox.dropping', this.target, { capacity });
  }
  /** The receiver changes a message. */
  mutatesMessage(): OpenFault<N> {
    return openFault('message.mutate', this.target);
  }
  /** The actor is sent a message that cannot be cloned. */
  uncloneable(): OpenFault<N> {
    return openFault('message.uncloneable', this.target);
  }
  /** The actor dies just when its timer rings. */
  timerRace(): OpenFault<N> {
    return openFault('timer.race', this.target);
  }
  /** A snapshot of the subtask fails. */
  declinesSnapshot(): OpenFault<N> {
    return openFault('snapshot.decline', this.target);
  }
  /** A snapshot of the subtask is stored so much later. Default 100 ms, at most 5 s. */
  slowSnapshot(duration?: Duration): OpenFault<N> {
    return openFault('snapshot.slow', this.target, msParameter('snapshot.slow', duration));
  }
  /** An acknowledgement of the subtask is lost. */
  losesAck(): OpenFault<N> {
    return openFault('ack.drop', this.target);
  }
  /** An acknowledgement of the subtask comes twice. */
  duplicatesAck(): OpenFault<N> {
    return openFault('ack.duplicate', this.target);
  }
  /** An acknowledgement of an earlier attempt comes late. */
  staleAck(): OpenFault<N> {
    return openFault('ack.stale', this.target);
  }
  /** The notice that a checkpoint is complete does not reach the subtask. */
  losesNotice(): OpenFault<N> {
    return openFault('notify.drop', this.target);
  }
  /** The notice that a checkpoint is complete reaches the subtask so much later. Default 100 ms, at most 5 s. */
  delaysNotice(duration?: Duration): OpenFault<N> {
    return openFault('notify.delay', this.target, msParameter('notify.delay', duration));
  }
  /** The source is asked twice for the same barrier. */
  duplicatesTrigger(): OpenFault<N> {
    return openFault('trigger.duplicate', this.target);
  }
}

/** What can happen to the messages from one actor to another. */
export class LinkFaults<out N extends string = string> {
  private readonly target: string;

  constructor(target: string) {
    this.target = target;
  }

  /** Messages are late. Default 50 ms, at most 2 s. */
  delays(duration?: Duration): OpenFault<N> {
    return openFault('link.delay', this.target, msParameter('link.delay', duration));
  }
  /** A message comes twice. */
  duplicates(): OpenFault<N> {
    return openFault('link.duplicate', this.target);
  }
  /** A message is lost. */
  drops(): OpenFault<N> {
    return openFault('link.drop', this.target);
  }
  /** Two messages of different senders change places. */
  reorders(): OpenFault<N> {
    return openFault('link.reorder', this.target);
  }
  /** Links clog one by one, and heal in another order. Default 200 ms, at most 2 s. */
  swizzles(duration?: Duration): OpenFault<N> {
    return openFault('link.swizzle', this.target, msParameter('link.swizzle', duration));
  }
  /** A question is late, and so its answer. Default 6 s, at most 10 s. */
  lateAsk(duration?: Duration): OpenFault<N> {
    return openFault('ask.late', this.target, msParameter('ask.late', duration));
  }
}

/** What can happen to checkpoint barriers on a link. */
export class BarrierFaults<out N extends string = string> {
  private readonly target: string;

  constructor(target: string) {
    this.target = target;
  }

  /** Only on this link, such as `source -> enrich`; `*`: on any. */
  on<const L extends LinkText>(link: L): BarrierFaults<NamedInLink<L>> {
    return new BarrierFaults(linkTarget(link));
  }
  /** A barrier is late. Default 100 ms, at most 5 s. */
  delays(duration?: Duration): OpenFault<N> {
    return openFault('barrier.delay', this.target, msParameter('barrier.delay', duration));
  }
  /** A barrier comes twice. */
  duplicates(): OpenFault<N> {
    return openFault('barrier.duplicate', this.target);
  }
  /** A barrier is lost. */
  drops(): OpenFault<N> {
    return openFault('barrier.drop', this.target);
  }
  /** A barrier is overtaken by what follows it. */
  overtakes(): OpenFault<N> {
    return openFault('barrier.overtake', this.target);
  }
  /** An older barrier comes after a newer one. */
  stale(): OpenFault<N> {
    return openFault('barrier.stale', this.target);
  }
}

function linkTarget(link: string): string {
  if (link === '*') return '* -> *';
  if (link.includes(' -> ')) return link;
  throw new ConfigError(`fault.barrier().on: expected "<from> -> <to>" or "*", got "${link}".`);
}
