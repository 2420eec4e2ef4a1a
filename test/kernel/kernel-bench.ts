// A system on virtual time for the tests of the kernel, and what they look at.
//
// Owns:    the set-up that every test needs; no mock of anything: the real kernel on a seeded scheduler.

import type { ActorSystem, ActorSystemOptions, Conservation, DeadLetter } from '../../actors/kernel/actor.js';
import { actorSystem } from '../../actors/kernel/system.js';
import type { LogFields, Logger } from '../../src/base/logger.js';
import { type VirtualRuntime, virtualRuntime } from '../../src/testing/virtual-runtime.js';

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: LogFields;
}

export interface KernelBench {
  readonly runtime: VirtualRuntime;
  readonly system: ActorSystem;
  readonly letters: DeadLetter[];
  readonly log: LogLine[];
  readonly failures: unknown[];
  /** Executes everything that is due now, and lets 1 ms pass. */
  settle(): Promise<void>;
}

export function kernelBench(options: ActorSystemOptions & { readonly seed?: number } = {}): KernelBench {
  const runtime = virtualRuntime({ seed: options.seed ?? 1 });
  const letters: DeadLetter[] = [];
  const log: LogLine[] = [];
  const failures: unknown[] = [];
  const system = actorSystem({
    runtime,
    host: 'dispatch',
    logger: recordingLogger(log),
    onDeadLetter: (letter) => letters.push(letter),
    onFailure: (error) => failures.push(error),
    ...options,
  });
  // What is due now and soon: stop time-outs and back-offs of some tests lie further ahead, and they say so.
  const settle = (): Promise<void> => runtime.advance(1);
  return { runtime, system, letters, log, failures, settle };
}

export function recordingLogger(log: LogLine[]): Logger {
  const at = (level: LogLine['level']) => (fields: LogFields, message: string) => {
    log.push({ level, message, fields });
  };
  const logger: Logger = {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: () => logger,
  };
  return logger;
}

/** K4. */
export function isConserved(counts: Conservation): boolean {
  return counts.sent === counts.handled + counts.deadLettered + counts.dropped + counts.queued;
}

/** A promise that the test settles. */
export interface Gate<T = void> {
  readonly promise: Promise<T>;
  open(value: T): void;
  fail(error: unknown): void;
}

export function gate<T = void>(): Gate<T> {
  let open: (value: T) => void = () => undefined;
  let fail: (error: unknown) => void = () => undefined;
  const promise = new Promise<T>((resolve, reject) => {
    open = resolve;
    fail = reject;
  });
  return { promise, open, fail };
}
