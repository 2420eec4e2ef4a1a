// Faults of messages on their way: late, lost, twice, out of place; of barriers, acknowledgements and notices in particular.
//
// Owns:    what happens to one message between its sender and the mailbox.
// Not:     handlers (actor-door.ts), when a fault fires (arsenal.ts).
//
// L1. In a job only what a fault kind names is touched in the control lane: credits and stores' answers stay as they are,
//     because messages within a process are not lost; elements are numbered and may be.
// L2. A message that is held keeps all later ones of its link behind it.

import type { Destination } from '../../actors/kernel/actor.js';
import type { Timers } from '../base/runtime.js';
import type { ActorName, ActorNames } from './actor-names.js';
import { fitsActor, fitsLink } from './actor-names.js';
import type { ArmedFault, Arsenal } from './arsenal.js';
import type { FaultKind } from './fault-kinds.js';
import { HeldLinks } from './held-links.js';

/** A message that waits for another sender's goes on without it after this long. */
const REORDER_MS_MAX = 40;

/** Elements that one receiver gets twice, at most: the slack of a mailbox beside its credits. */
const REPEATED_MAX = 2;

export type Deliver = (message: unknown) => void;

/** A message that has come to the door of a mailbox. */
export interface Arrival {
  readonly to: Destination;
  readonly receiver: ActorName;
  /** Null: nobody knows. */
  readonly sender: ActorName | null;
  readonly lane: 'data' | 'control';
  readonly message: unknown;
  readonly deliver: Deliver;
}

/** The part of a message that the faults look at. */
interface Telegram {
  readonly kind?: unknown;
  readonly channel?: unknown;
  readonly element?: { readonly kind?: unknown };
  readonly subtask?: unknown;
  readonly inputs?: readonly { readonly ref: { readonly path: string } }[];
}

const LINK_KINDS = [
  'link.delay',
  'link.reorder',
  'link.duplicate',
  'link.drop',
  'link.swizzle',
  'barrier.delay',
  'barrier.duplicate',
  'barrier.drop',
  'barrier.overtake',
  'barrier.stale',
  'ack.drop',
  'ack.duplicate',
  'ack.stale',
  'notify.drop',
  'notify.delay',
  'trigger.duplicate',
  'snapshot.decline',
  'snapshot.slow',
  'ask.late',
] as const satisfies readonly FaultKind[];

export interface LinkFaultsOptions {
  readonly arsenal: Arsenal;
  readonly names: ActorNames;
  readonly timers: () => Timers;
  readonly nowMs: () => number;
  /** Jobs have elements and a protocol; apps have messages. */
  readonly apps: 'jobs' | 'actors';
}

export class LinkFaults {
  readonly #options: LinkFaultsOptions;
  readonly #arsenal: Arsenal;
  readonly #active: boolean;
  readonly #held = new HeldLinks();
  /** Senders of the incoming channels of a subtask, by incarnation. */
  readonly #inputs = new Map<number, readonly ActorName[]>();
  /** Waiting for the next message to the same receiver: `reorder`, `overtake`, `stale`. */
  readonly #next = new Map<string, (() => void)[]>();
  readonly #stale: { readonly incarnation: number; readonly message: unknown }[] = [];
  /** Elements repeated to a receiver, in a job. */
  readonly #repeated = new Map<number, number>();
  readonly #windows = new Map<string, { readonly fromMs: number; readonly untilMs: number }>();

  constructor(options: LinkFaultsOptions) {
    this.#options = options;
    this.#arsenal = options.arsenal;
    this.#active = options.arsenal.has(...LINK_KINDS);
  }

  /** True: the message is taken care of. */
  take(arrival: Arrival): boolean {
    if (!this.#active) return false;
    return this.#options.apps === 'jobs' ? this.#takeOfJob(arrival) : this.#takeOfApp(arrival);
  }

  #takeOfApp(arrival: Arrival): boolean {
    const link = `${arrival.to.incarnation} ${arrival.lane} ${arrival.sender?.path ?? ''}`;
    if (isQuestion(arrival.message)) {
      const late = this.#strike('ask.late', arrival);
      if (late !== null) return this.#delay(link, late, arrival);
    }
    return this.#takeOfLink(link, arrival);
  }

  #takeOfJob(arrival: Arrival): boolean {
    const message = arrival.message as Telegram;
    switch (message.kind) {
      case 'connect':
        this.#inputs.set(
          arrival.to.incarnation,
          (message.inputs ?? []).map(({ ref }) => this.#options.names.of(ref.path)),
        );
        return false;
      case 'element':
        return this.#takeElement(message, arrival);
      case 'acknowledged':
        return this.#takeAcknowledgement(message, arrival);
      case 'checkpointComplete':
        return this.#takeNotice(arrival);
      case 'trigger': {
        const twice = this.#strikeActor('trigger.duplicate', arrival.receiver);
        if (twice !== null) arrival.deliver(arrival.message);
        return false;
      }
      case 'chunkStored': {
        const slow = this.#strikeActor('snapshot.slow', arrival.receiver);
        return slow !== null && this.#later(slow, arrival);
      }
      default:
        return false;
    }
  }

  #takeElement(message: Telegram, arrival: Arrival): boolean {
    const channel = Number(message.channel);
    const sender = this.#inputs.get(arrival.to.incarnation)?.[channel] ?? null;
    const known = { ...arrival, sender };
    const link = `${arrival.to.incarnation} ${channel}`;
    const isBarrier = message.element?.kind === 'barrier';
    if (isBarrier) {
      const taken = this.#takeBarrier(link, known);
      if (taken !== null) return taken;
    }
    return this.#takeOfLink(link, known);
  }

  #takeBarrier(link: string, arrival: Arrival): boolean | null {
    const { message, deliver } = arrival;
    if (this.#strike('barrier.drop', arrival) !== null) return true;
    const late = this.#strike('barrier.delay', arrival);
    if (late !== null) return this.#delay(link, late, arrival);
    if (this.#mayRepeat(arrival) && this.#strike('barrier.duplicate', arrival) !== null) {
      this.#repeat(arrival);
      return false;
    }
    if (this.#strike('barrier.overtake', arrival) !== null) {
      this.#afterNext(link, () => deliver(message));
      return true;
    }
    if (this.#strike('barrier.stale', arrival) !== null) {
      // Behind the next barrier of the link, or whatever comes next on it.
      this.#afterNext(link, () => this.#afterNext(link, () => deliver(message)));
    }
    return null;
  }

  #takeOfLink(link: string, arrival: Arrival): boolean {
    const { message, deliver } = arrival;
    if (this.#held.queue(link, message, deliver)) return true;
    if (this.#options.apps === 'actors' || arrival.lane === 'data') {
      if (this.#strike('link.drop', arrival) !== null) return true;
      const late = this.#strike('link.delay', arrival);
      if (late !== null) return this.#delay(link, late, arrival);
      if (this.#swizzled(link, arrival)) return true;
      if (this.#strike('link.reorder', arrival) !== null) {
        const release = this.#held.hold(link);
        this.#held.queue(link, message, deliver);
        this.#afterNext(`to ${arrival.to.incarnation}`, release);
        // Nobody else may have anything to say.
        this.#options.timers().after(REORDER_MS_MAX, release);
        return true;
      }
      if (this.#mayRepeat(arrival) && this.#strike('link.duplicate', arrival) !== null) this.#repeat(arrival);
    }
    return this.#passOn(link, arrival);
  }

  /** In a job, room in mailboxes is counted: more repetitions than that would be a fault of the fault. */
  #mayRepeat({ to }: Arrival): boolean {
    if (this.#options.apps === 'actors') return true;
    return (this.#repeated.get(to.incarnation) ?? 0) < REPEATED_MAX;
  }

  #repeat({ to, message, deliver }: Arrival): void {
    this.#repeated.set(to.incarnation, (this.#repeated.get(to.incarnation) ?? 0) + 1);
    deliver(message);
  }

  /** Delivers, and then what waited for that. */
  #passOn(link: string, { to, message, deliver }: Arrival): boolean {
    const waiting = [...(this.#next.get(link) ?? []), ...(this.#next.get(`to ${to.incarnation}`) ?? [])];
    if (waiting.length === 0) return false;
    this.#next.delete(link);
    this.#next.delete(`to ${to.incarnation}`);
    deliver(message);
    for (const each of waiting) each();
    return true;
  }

  #takeAcknowledgement(message: Telegram, arrival: Arrival): boolean {
    const sender = this.#options.names.ofSubtask(String(message.subtask));
    this.#deliverStale(arrival);
    if (this.#strikeActor('ack.drop', sender) !== null) return true;
    if (this.#strikeActor('ack.duplicate', sender) !== null) arrival.deliver(arrival.message);
    if (this.#strikeActor('ack.stale', sender) !== null) {
      this.#stale.push({ incarnation: arrival.to.incarnation, message: arrival.message });
    }
    const declined = this.#strikeActor('snapshot.decline', sender);
    if (declined === null) return false;
    const { attempt, subtask, checkpoint } = arrival.message as Record<string, unknown>;
    const reason = 'injected: the snapshot failed';
    arrival.deliver({ kind: 'declined', attempt, subtask, checkpoint, cause: 'failed', reason });
    return true;
  }

  /** Acknowledgements kept from an earlier coordinator reach this one before its own. */
  #deliverStale({ to, deliver }: Arrival): void {
    for (let index = this.#stale.length - 1; index >= 0; index -= 1) {
      const kept = this.#stale[index];
      if (kept === undefined || kept.incarnation === to.incarnation) continue;
      this.#stale.splice(index, 1);
      deliver(kept.message);
    }
  }

  #takeNotice(arrival: Arrival): boolean {
    if (this.#strikeActor('notify.drop', arrival.receiver) !== null) return true;
    const late = this.#strikeActor('notify.delay', arrival.receiver);
    return late !== null && this.#later(late, arrival);
  }

  /** Clogs links one by one, each for a while of its own, so that they heal in another order. */
  #swizzled(link: string, arrival: Arrival): boolean {
    for (const fault of this.#arsenal.of('link.swizzle')) {
      if (!fitsLink(fault.planned.target, arrival.sender, arrival.receiver)) continue;
      if (fault.firings === 0) {
        if (!this.#arsenal.holds(fault)) continue;
        this.#arsenal.use(fault, `${describe(arrival)} and other links`);
      }
      if (this.#arsenal.healed) continue;
      const nowMs = this.#options.nowMs();
      const { fromMs, untilMs } = this.#windowOf(`${fault.index} ${link}`, fault);
      if (nowMs < fromMs || nowMs >= untilMs) continue;
      this.#hold(link, untilMs - nowMs, arrival);
      return true;
    }
    return false;
  }

  #windowOf(key: string, fault: ArmedFault): { readonly fromMs: number; readonly untilMs: number } {
    const known = this.#windows.get(key);
    if (known !== undefined) return known;
    const mostMs = fault.parameter('ms');
    const fromMs = fault.firedAtMs + Math.floor((fault.random.next() * mostMs) / 2);
    const window = { fromMs, untilMs: fromMs + 1 + Math.floor(fault.random.next() * mostMs) };
    this.#windows.set(key, window);
    return window;
  }

  #delay(link: string, fault: ArmedFault, arrival: Arrival): boolean {
    if (this.#held.queue(link, arrival.message, arrival.deliver)) return true;
    this.#hold(link, fault.parameter('ms'), arrival);
    return true;
  }

  #hold(link: string, delayMs: number, { message, deliver }: Arrival): void {
    const release = this.#held.hold(link);
    this.#held.queue(link, message, deliver);
    this.#options.timers().after(delayMs, release);
  }

  /** A message of the control lane whose order among others does not matter. */
  #later(fault: ArmedFault, { message, deliver }: Arrival): boolean {
    this.#options.timers().after(fault.parameter('ms'), () => deliver(message));
    return true;
  }

  #afterNext(key: string, work: () => void): void {
    this.#next.set(key, [...(this.#next.get(key) ?? []), work]);
  }

  #strike(kind: FaultKind, arrival: Arrival): ArmedFault | null {
    const { sender, receiver } = arrival;
    return this.#arsenal.strike(kind, (target) => fitsLink(target, sender, receiver), describe(arrival));
  }

  #strikeActor(kind: FaultKind, actor: ActorName): ArmedFault | null {
    return this.#arsenal.strike(kind, (target) => fitsActor(target, actor), actor.path);
  }
}

function describe({ sender, receiver }: Arrival): string {
  return `${sender?.path ?? 'somebody'} -> ${receiver.path}`;
}

/** A message that carries where to answer. */
function isQuestion(message: unknown): boolean {
  if (typeof message !== 'object' || message === null) return false;
  return Object.values(message).some(
    (value: unknown) =>
      typeof value === 'object' &&
      value !== null &&
      'resolve' in value &&
      typeof value.resolve === 'function' &&
      'reject' in value,
  );
}
