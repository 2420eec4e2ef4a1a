// The world of one simulated process, as the patched globals see it.
//
// Owns:    the contract between whoever runs simulated steps and simulated-globals*.ts.
// Not:     either of them.

import type { RandomStream, TimerHandle } from '../base/runtime.js';
import type { Leak } from './leaks.js';

/**
 * What user code finds when it reaches for a global in the middle of a simulated step. One object per simulated process,
 * the same one for its whole life: the ids of timers and the random streams of the process hang on it.
 */
export interface SimulatedSurroundings {
  wallMs(): number;
  monotonicMs(): number;
  /** Runs `callback` once, as a step of its own, when so much virtual time has passed. */
  after(delayMs: number, callback: () => void): TimerHandle;
  /** Asked once per purpose: `user:Math.random` and `user:crypto`. */
  random(purpose: string): RandomStream;
  /** The run is to be ended with it; the caller gets a LeakError beside. */
  leaked(leak: Leak): void;
  /** A promise of this step has rejected, and nobody looks after it. Without it: an exception of the next step. */
  readonly rejected?: (reason: unknown) => void;
}
