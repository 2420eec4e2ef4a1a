// What the actors of a random message program do with a message.
//
// Owns:    the behaviour: every way in which a handler can end, and the checks made from inside a handler (O9).
// Not:     which messages are sent (message-play.ts).
//
// M1. A result of a life that was fenced meanwhile counts for nothing, and is not counted here either.

import type { ActorContext, ActorRef, Behavior, Reply } from '../../../actors/kernel/actor.js';
import { ActorStoppedError } from '../../../actors/kernel/actor-errors.js';
import type { TreeCounts } from './tree-counts.js';

/** What the handler does with a message. */
export const TASKS = [
  'note',
  'note',
  'note',
  'await',
  'await',
  'hold',
  'throw',
  'reject',
  'hang',
  'stash',
  'unstash',
  'stop',
  'crashSelf',
  'timer',
  'forward',
  'ask',
  'spawn',
] as const;

export type Task = (typeof TASKS)[number];

export interface ProgramMessage {
  readonly id: number;
  readonly task: Task;
  /** For whom it is meant: the incarnation of the ref that it was sent to, or TIMER, or NOTICE: the actor itself. */
  readonly incarnation: number;
  /** For a timer: the life that has set it. */
  readonly life: number;
  /** Number within the data lane of its sender and receiver; -1: not in it. */
  readonly order: number;
  readonly reply: Reply<number> | null;
  /** When to answer: at once, or after so many milliseconds; null: never. */
  readonly answerMs: number | null;
}

/** What actors share. */
export interface Program {
  readonly counts: TreeCounts;
  /** How often each message was handled to its end. */
  readonly handled: Map<number, number>;
  /** Answers given, to questions that waited for them or not. */
  answers: number;
  /** Messages that a handler has been given. */
  readonly begun: Set<number>;
  readonly gates: ((failing: boolean) => void)[];
  check(where: string): void;
  living(path: string): ActorRef<never> | null;
  crash(ref: ActorRef<never>): void;
  /** Another actor, and a message for it; `offer` counts it. */
  forward(from: ActorContext<ProgramMessage>): void;
  ask(from: ActorContext<ProgramMessage>): void;
  spawnChild(parent: ActorContext<ProgramMessage>): void;
  timerMessage(life: number): ProgramMessage;
}

export interface ActorShape {
  readonly hasHook: boolean;
  readonly stashes: boolean;
  /** Answers questions from a timer of the runtime, as something outside the actor would. */
  readonly poisoned: boolean;
}

/** In place of an incarnation: the actor's own timer; what it wants to hear when another actor ends. */
export const TIMER = -1;
export const NOTICE = -2;
const TIMER_MS = 5;

export function programBehavior(
  program: Program,
  context: ActorContext<ProgramMessage>,
  shape: ActorShape,
  life: number,
): Behavior<ProgramMessage> {
  const state: LifeState = { active: 0, life, lastOrder: -1, over: false };
  const behavior: Behavior<ProgramMessage> = {
    onMessage: (message) => tracked(program, context, shape, state, message),
    onSignal: () => program.check('in a signal'),
  };
  if (!shape.hasHook) return behavior;
  const hook = (): void => {
    if (state.active > 0)
      program.counts.violate('O9', 'oneHandler', `${context.path}: a hook beside a handler`);
    if (state.over) program.counts.violate('O9', 'oneHandler', `${context.path}: a second last hook`);
    state.over = true;
  };
  return { ...behavior, postStop: hook };
}

interface LifeState {
  active: number;
  readonly life: number;
  lastOrder: number;
  over: boolean;
}

function tracked(
  program: Program,
  context: ActorContext<ProgramMessage>,
  shape: ActorShape,
  state: LifeState,
  message: ProgramMessage,
): Promise<void> | undefined {
  const { counts } = program;
  state.active += 1;
  if (state.active > 1) counts.violate('O9', 'oneHandler', `${context.path}: two handlers at once`);
  if (state.over) counts.violate('O9', 'oneHandler', `${context.path}: a message after the last hook`);
  const { incarnation } = context.self;
  if (message.incarnation >= 0 && message.incarnation !== incarnation) {
    counts.violate(
      'O9',
      'staleRef',
      `${context.path}: a message for incarnation ${message.incarnation} came to ${incarnation}`,
    );
  }
  // Tried again after a failure, a message of a timer is a message like any other.
  const isFirstTry = !program.begun.has(message.id);
  program.begun.add(message.id);
  if (isFirstTry && message.incarnation === TIMER && message.life !== state.life) {
    counts.violate(
      'O9',
      'timers',
      `${context.path}: a timer of life ${message.life} rang in life ${state.life}`,
    );
  }
  const living = program.living(context.path);
  if (living !== null && living.incarnation !== incarnation) {
    counts.violate(
      'O9',
      'oneLife',
      `${context.path}: ${incarnation} works while ${living.incarnation} lives`,
    );
  }
  if (!shape.stashes && message.order >= 0) {
    if (message.order < state.lastOrder) {
      counts.violate('O9', 'order', `${context.path}: message ${message.order} after ${state.lastOrder}`);
    }
    state.lastOrder = message.order;
  }
  let result: Promise<void> | undefined;
  const ended = (): void => {
    state.active -= 1;
  };
  try {
    result = handle(program, context, shape, state, message);
  } finally {
    if (result === undefined) ended();
  }
  return result?.finally(ended);
}

function handle(
  program: Program,
  context: ActorContext<ProgramMessage>,
  shape: ActorShape,
  { life }: LifeState,
  message: ProgramMessage,
): Promise<void> | undefined {
  const { counts } = program;
  program.check('in a handler');
  if (shape.poisoned) {
    counts.fault('F03');
    throw new Error('poisoned');
  }
  answer(program, context, message);
  switch (message.task) {
    case 'note':
      return done(program, message);
    case 'await':
      return Promise.resolve().then(() => done(program, message));
    case 'hold':
      return new Promise<void>((resolve, reject) => {
        program.gates.push((failing) => (failing ? reject(new Error('released with a failure')) : resolve()));
      }).then(() => {
        if (!isFenced(context)) done(program, message);
      });
    case 'throw':
      counts.fault('F01');
      throw new Error('thrown');
    case 'reject':
      counts.fault('F02');
      return Promise.resolve().then(() => {
        throw new Error('thrown late');
      });
    case 'hang':
      counts.fault('F04');
      return new Promise<void>(() => undefined);
    case 'stash':
      if (shape.stashes) context.stash();
      else done(program, message);
      return undefined;
    case 'unstash':
      context.unstashAll();
      return done(program, message);
    case 'stop':
      void context.stop();
      return done(program, message);
    case 'crashSelf':
      program.crash(context.self);
      return undefined;
    case 'timer':
      context.after(TIMER_MS, program.timerMessage(life));
      return done(program, message);
    case 'forward':
      program.forward(context);
      return done(program, message);
    case 'ask':
      program.ask(context);
      return done(program, message);
    default:
      program.spawnChild(context);
      return done(program, message);
  }
}

function answer(
  program: Program,
  context: ActorContext<ProgramMessage>,
  { reply, answerMs, id }: ProgramMessage,
): void {
  if (reply === null || answerMs === null) return;
  const give = (): void => {
    program.answers += 1;
    reply.resolve(id);
  };
  if (answerMs === 0) give();
  else context.runtime.timers.after(answerMs, give);
}

function done(program: Program, { id }: ProgramMessage): undefined {
  program.handled.set(id, (program.handled.get(id) ?? 0) + 1);
  return undefined;
}

export function isFenced(context: ActorContext<ProgramMessage>): boolean {
  try {
    context.receiveTimeout(null);
    return false;
  } catch (error) {
    return error instanceof ActorStoppedError;
  }
}
