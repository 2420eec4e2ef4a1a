// The door of every actor: the interceptor that carries out faults of handlers, setups, mailboxes and links.
//
// Owns:    wrapping behaviors, who is running at the moment, the watch over O9 (one handler at a time).
// Not:     messages on their way (link-faults.ts), deaths (world-faults.ts), triggers (arsenal.ts).
//
// D1. Without a fault for it, a message reaches its handler as it is, in the same step.
// D2. Where `sender` is given, a message counts as sent by the actor whose handler sends it, also after an await.
// D3. The watch is independent of the kernel's own assertions: it sees only calls and returns.

import type {
  ActorInterceptor,
  ActorSetup,
  Behavior,
  Destination,
  Spawning,
  SpawnOptions,
} from '../../actors/kernel/actor.js';
import type { Timers } from '../base/runtime.js';
import { type ActorName, type ActorNames, fitsActor } from './actor-names.js';
import type { ArmedFault, Arsenal } from './arsenal.js';
import type { FaultKind } from './fault-kinds.js';
import { InjectedFault } from './injected.js';
import type { LinkFaults } from './link-faults.js';
import type { Whose } from './simulated-globals-sender.js';

export interface ActorDoorOptions {
  readonly arsenal: Arsenal;
  readonly names: ActorNames;
  readonly links: LinkFaults;
  /** Of the process in which the actors live: handlers go on in it. */
  readonly timers: () => Timers;
  /** Ends the actor at a path, soon: never from within its own call. */
  readonly crashSoon: (path: string, error: InjectedFault) => void;
  /** Before a message is handled. */
  readonly onMessage: (actor: ActorName, message: unknown) => void;
  readonly onLife: (actor: ActorName, what: 'starts' | 'restarts') => void;
  readonly onBrokenRule: (message: string) => void;
  /** Apps: who sends, also after an await, and who it is when no actor does. Absent: whoever handled a message last. */
  readonly sender?: { readonly whose: Whose<ActorName>; readonly nobody: ActorName };
  readonly onSend?: (from: ActorName, to: Destination) => void;
  /** What is frozen on its way, so that who changes it is caught: the messages of an app, the records of a job. */
  readonly freezes: 'messages' | 'records' | 'nothing';
}

const HANDLER_KINDS = [
  'actor.throw',
  'actor.reject',
  'actor.poison',
  'actor.hang',
  'actor.slow',
  'actor.crashAwaiting',
  'message.mutate',
] as const satisfies readonly FaultKind[];

/** One life of one actor, as seen from its calls. */
interface Watched {
  busy: boolean;
}

export class ActorDoor implements ActorInterceptor {
  /** Who handles a message at the moment, or did last. */
  current: ActorName | null = null;
  readonly #options: ActorDoorOptions;
  readonly #arsenal: Arsenal;
  readonly #handlers: boolean;
  readonly #lives = new Map<string, number>();

  constructor(options: ActorDoorOptions) {
    this.#options = options;
    this.#arsenal = options.arsenal;
    this.#handlers = options.arsenal.has(...HANDLER_KINDS);
  }

  spawning(path: string, { setup, options }: Spawning): Spawning {
    const actor = this.#options.names.of(path);
    return { setup: this.#wrapSetup(actor, setup), options: this.#changeOptions(actor, options) };
  }

  entering(
    to: Destination,
    lane: 'data' | 'control',
    message: unknown,
    deliver: (message: unknown) => void,
  ): boolean {
    if (this.#options.freezes === 'messages') freeze(message, FREEZE_DEPTH);
    else if (this.#options.freezes === 'records') freezeRecords(message);
    const receiver = this.#options.names.of(to.path);
    const { sender, onSend } = this.#options;
    if (sender !== undefined) this.current = sender.whose.now ?? sender.nobody;
    if (this.current !== null) onSend?.(this.current, to);
    return this.#options.links.take({ to, receiver, sender: this.current, lane, message, deliver });
  }

  #changeOptions(actor: ActorName, options: SpawnOptions): SpawnOptions {
    let changed = options;
    const policy = this.#strike('actor.policyThrow', actor);
    if (policy !== null) {
      const decide = (): never => {
        throw new InjectedFault(policy.index, `the supervision policy of ${actor.path} throws`);
      };
      changed = { ...changed, supervision: { ...changed.supervision, decide } };
    }
    const small = this.#strike('mailbox.small', actor);
    if (small !== null)
      changed = { ...changed, mailbox: { ...changed.mailbox, capacity: small.parameter('capacity') } };
    const dropping = this.#strike('mailbox.dropping', actor);
    if (dropping !== null) {
      changed = {
        ...changed,
        mailbox: { capacity: dropping.parameter('capacity'), overflow: 'dropNewest' },
      };
    }
    return changed;
  }

  #wrapSetup(actor: ActorName, setup: ActorSetup<unknown>): ActorSetup<unknown> {
    return (context) => {
      this.current = actor;
      const life = (this.#lives.get(actor.path) ?? 0) + 1;
      this.#lives.set(actor.path, life);
      this.#options.onLife(actor, life === 1 ? 'starts' : 'restarts');
      const fault = this.#strike('actor.setupThrow', actor);
      if (fault !== null) throw new InjectedFault(fault.index, `the setup of ${actor.path} throws`);
      const behavior = this.#inTheNameOf(actor, () => setup(context));
      return behavior instanceof Promise
        ? behavior.then((made) => this.#wrap(actor, made))
        : this.#wrap(actor, behavior);
    };
  }

  #wrap(actor: ActorName, behavior: Behavior<unknown>): Behavior<unknown> {
    const watched: Watched = { busy: false };
    const { onSignal, onReceiveTimeout, preRestart, postStop } = behavior;
    return {
      onMessage: (message) => this.#guard(actor, watched, () => this.#handle(actor, behavior, message)),
      ...(onSignal === undefined
        ? {}
        : {
            onSignal: (signal) => this.#guard(actor, watched, () => onSignal.call(behavior, signal)),
          }),
      ...(onReceiveTimeout === undefined
        ? {}
        : {
            onReceiveTimeout: () => this.#guard(actor, watched, () => onReceiveTimeout.call(behavior)),
          }),
      ...(preRestart === undefined
        ? {}
        : {
            preRestart: (error: unknown) => this.#inTheNameOf(actor, () => preRestart.call(behavior, error)),
          }),
      ...(postStop === undefined
        ? {}
        : { postStop: (reason) => this.#inTheNameOf(actor, () => postStop.call(behavior, reason)) }),
    };
  }

  /** What the call sends, also after an await, the actor sends. */
  #inTheNameOf<R>(actor: ActorName, call: () => R): R {
    const whose = this.#options.sender?.whose;
    return whose === undefined ? call() : whose.run(actor, call);
  }

  /** O9: one call of a life at a time, awaited promises included. */
  #guard(actor: ActorName, watched: Watched, call: () => void | Promise<void>): void | Promise<void> {
    if (watched.busy) this.#options.onBrokenRule(`two handlers of ${actor.path} run at once`);
    watched.busy = true;
    this.current = actor;
    let isAsync = false;
    try {
      const result = this.#inTheNameOf(actor, call);
      if (!(result instanceof Promise)) return result;
      isAsync = true;
      const settled = (): void => {
        watched.busy = false;
      };
      result.then(settled, settled);
      return result;
    } finally {
      if (!isAsync) watched.busy = false;
    }
  }

  #handle(actor: ActorName, behavior: Behavior<unknown>, message: unknown): void | Promise<void> {
    this.#options.onMessage(actor, message);
    if (!this.#handlers) return behavior.onMessage(message);
    const thrown = this.#strike('actor.throw', actor) ?? this.#poison(actor);
    if (thrown !== null) throw new InjectedFault(thrown.index, `${actor.path} throws`);
    if (this.#strike('actor.hang', actor) !== null) return new Promise(() => undefined);
    const mutating = this.#strike('message.mutate', actor);
    if (mutating !== null) change(message);
    const slow = this.#strike('actor.slow', actor);
    if (slow !== null) {
      return new Promise<void>((resolve) => {
        this.#options.timers().after(slow.parameter('ms'), resolve);
      }).then(() => behavior.onMessage(message));
    }
    const rejecting = this.#strike('actor.reject', actor);
    const result = behavior.onMessage(message);
    if (rejecting !== null) {
      return Promise.resolve(result).then(() => {
        throw new InjectedFault(rejecting.index, `${actor.path} rejects`);
      });
    }
    if (result instanceof Promise) this.#crashAwaiting(actor);
    return result;
  }

  #poison(actor: ActorName): ArmedFault | null {
    for (const fault of this.#arsenal.of('actor.poison')) {
      if (!fitsActor(fault.planned.target, actor)) continue;
      if (fault.firings > 0 && !this.#arsenal.healed) return fault;
    }
    return this.#strike('actor.poison', actor);
  }

  #crashAwaiting(actor: ActorName): void {
    const fault = this.#strike('actor.crashAwaiting', actor);
    if (fault === null) return;
    this.#options.crashSoon(actor.path, new InjectedFault(fault.index, `${actor.path} dies while it awaits`));
  }

  #strike(kind: FaultKind, actor: ActorName): ArmedFault | null {
    return this.#arsenal.strike(kind, (target) => fitsActor(target, actor), actor.path);
  }
}

/** Deep enough for a batch of records with a field or two below. */
const FREEZE_DEPTH = 5;

function freeze(value: unknown, depth: number): void {
  if (depth === 0 || typeof value !== 'object' || value === null) return;
  if (ArrayBuffer.isView(value) || !isPlain(value)) return;
  Object.freeze(value);
  for (const part of Object.values(value)) freeze(part, depth - 1);
}

/** The batch itself is handed over, and may be changed by who has it. */
function freezeRecords(message: unknown): void {
  const { element } = message as { readonly element?: { readonly values?: readonly unknown[] } };
  for (const value of element?.values ?? []) freeze(value, FREEZE_DEPTH);
}

/** Data, as against objects with a life of their own: refs, replies, maps. */
function isPlain(value: object): boolean {
  if (Array.isArray(value)) return true;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Does what careless code would: changes what it was given. In strict mode a frozen object throws. */
function change(message: unknown): void {
  const target = innermost(message);
  if (target !== null) Reflect.apply(assignMark, target, []);
}

function assignMark(this: Record<string, unknown>): void {
  this['changedByReceiver'] = true;
}

function innermost(message: unknown): Record<string, unknown> | null {
  if (typeof message !== 'object' || message === null) return null;
  const { element } = message as { element?: { values?: readonly unknown[] } };
  const first = element?.values?.[0];
  if (typeof first === 'object' && first !== null) return first as Record<string, unknown>;
  return message as Record<string, unknown>;
}
