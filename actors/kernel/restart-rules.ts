// The rules of a restart that need no memory: whether, and after how long.
//
// Owns:    restart types, back-off, and the policy that a supervisor is given.
// Not:     counting and ordering restarts (supervisor-machine.ts).

import type { BackoffOptions, RestartType, Strategy } from './actor.js';

export interface SupervisionPolicy {
  readonly strategy: Strategy;
  readonly restartsMax: number;
  readonly periodMs: number;
  readonly backoff: BackoffOptions | null;
  readonly autoShutdown: 'never' | 'anySignificant' | 'allSignificant';
}

export type Verdict = 'restart' | 'stop' | 'escalate';

/** How a life ended, as far as its supervisor cares. */
export type ExitReason = 'normal' | 'shutdown' | 'failed';

/** What OTP does when no policy of the user says otherwise. */
export function fateByType(type: RestartType, reason: ExitReason): Verdict {
  if (type === 'temporary') return 'stop';
  if (type === 'transient' && reason !== 'failed') return 'stop';
  return 'restart';
}

/** Milliseconds before the restart; `attempts` counts from 1, `draw` is uniform in [0, 1). */
export function delayOf(backoff: BackoffOptions | null, attempts: number, draw: number): number {
  if (backoff === null) return 0;
  const fullMs = Math.min(backoff.maxMs, backoff.initialMs * backoff.factor ** (attempts - 1));
  return fullMs * (1 - backoff.jitter * draw);
}
