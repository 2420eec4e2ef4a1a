// The roof of `weirjs/actors`: the actor library, with no stream in sight.

export { type LogFields, type Logger, silentLogger } from '../src/base/logger.js';
export { type NodeRuntimeOptions, nodeRuntime } from '../src/base/node-runtime.js';
export type { KeyValueEnvironment, Runtime, TimerHandle } from '../src/base/runtime.js';
export type {
  ActorContext,
  ActorRef,
  ActorSetup,
  ActorSnapshot,
  ActorSystem,
  ActorSystemOptions,
  AskOptions,
  BackoffOptions,
  Behavior,
  Conservation,
  DeadLetter,
  DeadLetterReason,
  MailboxOptions,
  Overflow,
  Reply,
  RestartType,
  SendOptions,
  ShutdownPhase,
  Signal,
  SpawnOptions,
  StopReason,
  Strategy,
  SupervisionOptions,
} from './kernel/actor.js';
export {
  ActorError,
  ActorStoppedError,
  AskFailedError,
  AskTimeoutError,
  DeathPactError,
  EscalatedError,
  HandlerTimeoutError,
  LinkedFailureError,
  MailboxFullError,
  RestartLimitError,
  StopTimeoutError,
} from './kernel/actor-errors.js';
export { openActorStore, PERSISTENT_ACTOR_TABLES } from './kernel/journal.js';
export { type PersistentActorOptions, persistentActor } from './kernel/persistent-actor.js';
export { actorSystem } from './kernel/system.js';
