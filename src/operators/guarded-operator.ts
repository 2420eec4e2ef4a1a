// An operator whose poison records are left out of its work.
//
// Owns:    running each record as a call that can be taken back, and what of its results waits for room.
// Not:     taking back (trial.ts), timers and windows: the operator runs each through `context.trials`.

import type { Operator, OperatorContext } from './operator.js';
import type { OnError } from './poison.js';
import { RecordQueue } from './record-queue.js';
import { TrialRunner } from './trial.js';

/** The operator under a policy; with `fail`, itself. `freezes`: results are frozen when they are emitted (development). */
export function guardedOperator(inner: Operator, policy: OnError, freezes: boolean): Operator {
  return policy === 'fail' ? inner : new GuardedOperator(inner, policy, freezes);
}

type Work = 'watermark' | 'alarm' | 'end';

class GuardedOperator implements Operator {
  readonly forwardsWatermarks: boolean;
  private readonly inner: Operator;
  private readonly policy: Exclude<OnError, 'fail'>;
  private readonly freezes: boolean;
  private trials: TrialRunner | null = null;
  private queue: RecordQueue | null = null;
  /** The inner operator is through with the watermark, alarm or end in hand; only its results wait. */
  private through: Work | null = null;

  constructor(inner: Operator, policy: Exclude<OnError, 'fail'>, freezes: boolean) {
    this.inner = inner;
    this.policy = policy;
    this.freezes = freezes;
    this.forwardsWatermarks = inner.forwardsWatermarks ?? true;
  }

  open(context: OperatorContext): void {
    const { inner } = this;
    const trials = new TrialRunner(context, this.policy, this.freezes);
    this.trials = trials;
    this.queue = new RecordQueue(
      context,
      (value, timestamp) => {
        trials.run({ trigger: 'record', record: value, timestamp }, () => inner.onRecord(value, timestamp));
        return trials.drain();
      },
      () => trials.drain(),
    );
    inner.open(trials.context);
  }

  onRecord(value: unknown, timestamp: number): void {
    this.queue?.handle(value, timestamp);
  }

  onWatermark(time: number): boolean {
    return this.advance('watermark', () => this.inner.onWatermark?.(time) ?? true);
  }

  onProcessingTime(wallMs: number): boolean {
    return this.advance('alarm', () => this.inner.onProcessingTime?.(wallMs) ?? true);
  }

  onEnd(): boolean {
    return this.advance('end', () => this.inner.onEnd?.() ?? true);
  }

  onSnapshot(): void {
    this.inner.onSnapshot?.();
  }

  onCheckpointComplete(checkpoint: number): void {
    this.inner.onCheckpointComplete?.(checkpoint);
  }

  close(): void {
    this.inner.close();
  }

  private advance(work: Work, go: () => boolean): boolean {
    const { trials } = this;
    if (trials === null) return true;
    if (!trials.drain()) return false;
    if (this.through !== work) this.through = go() ? work : null;
    if (!trials.drain() || this.through === null) return false;
    this.through = null;
    return true;
  }
}
