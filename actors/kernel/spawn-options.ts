// What the options of a spawn come to: defaults filled in, nonsense refused before anything starts.
//
// Owns:    defaults and checks of SpawnOptions and SupervisionOptions.

import { ConfigError } from '../../src/base/errors.js';
import {
  ACTOR_MAILBOX_CAPACITY,
  ACTOR_RESTART_PERIOD_MS,
  ACTOR_RESTARTS_MAX,
  ACTOR_STOP_TIMEOUT_MS,
} from '../../src/base/limits.js';
import type { Overflow, RestartType, SpawnOptions, SupervisionOptions } from './actor.js';
import type { SupervisionPolicy } from './restart-rules.js';

export interface SpawnSettings {
  readonly capacity: number;
  readonly overflow: Overflow;
  readonly restartType: RestartType;
  readonly significant: boolean;
  readonly stopTimeoutMs: number;
  readonly handlerTimeoutMs: number | null;
  readonly redeliver: number;
  readonly policy: SupervisionPolicy;
  readonly decide: SupervisionOptions['decide'];
}

/** Throws ConfigError listing everything that is wrong. */
export function spawnSettings(path: string, options: SpawnOptions): SpawnSettings {
  const problems: string[] = [];
  const {
    onFailedMessage = 'deadLetter',
    handlerTimeoutMs,
    restart = 'temporary',
    significant = false,
  } = options;
  const settings: SpawnSettings = {
    capacity: options.mailbox?.capacity ?? ACTOR_MAILBOX_CAPACITY,
    overflow: options.mailbox?.overflow ?? 'backpressure',
    restartType: restart,
    significant,
    stopTimeoutMs: options.stopTimeoutMs ?? ACTOR_STOP_TIMEOUT_MS,
    handlerTimeoutMs: handlerTimeoutMs ?? null,
    redeliver: onFailedMessage === 'deadLetter' ? 0 : onFailedMessage.redeliver,
    policy: supervisionPolicy(options.supervision ?? {}),
    decide: options.supervision?.decide,
  };
  expect(
    problems,
    isWhole(settings.capacity, 1),
    'mailbox.capacity is a whole number of at least 1',
    settings.capacity,
  );
  expect(
    problems,
    OVERFLOWS.includes(settings.overflow),
    `mailbox.overflow is one of ${OVERFLOWS.join(', ')}`,
    settings.overflow,
  );
  expect(problems, RESTARTS.includes(restart), `restart is one of ${RESTARTS.join(', ')}`, restart);
  expect(
    problems,
    !(significant && restart === 'permanent'),
    'a significant child is transient or temporary',
    restart,
  );
  expect(
    problems,
    isSpan(settings.stopTimeoutMs),
    'stopTimeoutMs is a number of at least 0',
    settings.stopTimeoutMs,
  );
  expect(
    problems,
    handlerTimeoutMs === undefined || handlerTimeoutMs > 0,
    'handlerTimeoutMs is above 0',
    handlerTimeoutMs,
  );
  expect(
    problems,
    isWhole(settings.redeliver, 0),
    'onFailedMessage.redeliver is a whole number of at least 0',
    settings.redeliver,
  );
  checkPolicy(problems, settings.policy);
  refuse(problems, path);
  return settings;
}

const OVERFLOWS: readonly unknown[] = ['backpressure', 'fail', 'dropNewest', 'dropOldest'];
const RESTARTS: readonly unknown[] = ['permanent', 'transient', 'temporary'];
const STRATEGIES: readonly unknown[] = ['oneForOne', 'oneForAll', 'restForOne'];
const AUTO_SHUTDOWNS: readonly unknown[] = ['never', 'anySignificant', 'allSignificant'];

function supervisionPolicy(options: SupervisionOptions): SupervisionPolicy {
  return {
    strategy: options.strategy ?? 'oneForOne',
    restartsMax: options.restartsMax ?? ACTOR_RESTARTS_MAX,
    periodMs: options.periodMs ?? ACTOR_RESTART_PERIOD_MS,
    backoff: options.backoff ?? null,
    autoShutdown: options.autoShutdown ?? 'never',
  };
}

function checkPolicy(problems: string[], policy: SupervisionPolicy): void {
  const { strategy, restartsMax, periodMs, backoff, autoShutdown } = policy;
  expect(
    problems,
    STRATEGIES.includes(strategy),
    `supervision.strategy is one of ${STRATEGIES.join(', ')}`,
    strategy,
  );
  expect(
    problems,
    restartsMax === Number.POSITIVE_INFINITY || isWhole(restartsMax, 0),
    'supervision.restartsMax is a whole number of at least 0, or Infinity',
    restartsMax,
  );
  expect(problems, isSpan(periodMs), 'supervision.periodMs is a number of at least 0', periodMs);
  expect(
    problems,
    AUTO_SHUTDOWNS.includes(autoShutdown),
    `supervision.autoShutdown is one of ${AUTO_SHUTDOWNS.join(', ')}`,
    autoShutdown,
  );
  if (backoff === null) return;
  expect(
    problems,
    isSpan(backoff.initialMs),
    'backoff.initialMs is a number of at least 0',
    backoff.initialMs,
  );
  expect(problems, backoff.maxMs >= backoff.initialMs, 'backoff.maxMs is at least initialMs', backoff.maxMs);
  expect(problems, backoff.factor >= 1, 'backoff.factor is at least 1', backoff.factor);
  expect(
    problems,
    backoff.jitter >= 0 && backoff.jitter <= 1,
    'backoff.jitter lies between 0 and 1',
    backoff.jitter,
  );
}

function isWhole(value: number, min: number): boolean {
  return Number.isSafeInteger(value) && value >= min;
}

function isSpan(value: number): boolean {
  return typeof value === 'number' && value >= 0;
}

function expect(problems: string[], holds: boolean, rule: string, got: unknown): void {
  if (!holds) problems.push(`${rule}, got ${String(got)}`);
}

function refuse(problems: readonly string[], path: string): void {
  if (problems.length === 0) return;
  throw new ConfigError(`Actor ${path} cannot be spawned: ${problems.join('; ')}.`, {
    remedy: 'Correct the options.',
  });
}
