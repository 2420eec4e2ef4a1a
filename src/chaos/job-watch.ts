// Watches a job from outside while it runs: what the oracles have to see in the act.
//
// Owns:    the ledger of durable checkpoints (O5), attempts (O6), order and watermarks of channels (O3, O13), the log (O15).
// Not:     results (checks, job-verdict.ts), injecting anything.
//
// J1. It never influences the run.

import type { LogFields } from '../base/logger.js';
import type { PointFields } from '../base/runtime.js';
import type { TraceEvent, Violation } from './execution.js';

interface ElementMessage {
  readonly kind: unknown;
  readonly channel?: number;
  readonly element?: { readonly kind: string; readonly time?: number };
}

/** Violations of one kind that are reported; more of them say nothing new. */
const REPEATED_MAX = 3;

export class JobWatch {
  readonly violations: Violation[] = [];
  readonly stepsReached: Map<string, number> = new Map();
  checkpoints = 0;
  restores = 0;
  attempt = 0;
  watermarks = 0;
  /** Failures of attempts, as logged. */
  readonly failures: string[] = [];
  /** Of periodic checkpoints. Infinity where savepoints may come beside them. */
  concurrentMax: number = Number.POSITIVE_INFINITY;
  readonly #underWay = new Set<number>();
  readonly #aborted = new Set<number>();
  #durable = 0;
  #durableAttempt = 0;
  /** Attempts of which a living process has begun to restore. */
  #begun = 0;
  /** The checkpoint that the newest attempt began with. */
  #restored = 0;
  /** First attempt of each process, by its number: later processes have higher ones. */
  readonly #firstAttempts = new Map<number, number>();
  readonly #watermarks = new Map<string, number>();
  readonly #reported = new Map<string, number>();

  hit(step: string, fields: PointFields): void {
    const key = `${fields['role']} ${step}`;
    this.stepsReached.set(key, (this.stepsReached.get(key) ?? 0) + 1);
    const attempt = Number(fields['attempt']);
    if (step === 'barrier.injected') this.#began(Number(fields['checkpoint']));
    if (step === 'metadata.durable') this.#completed(Number(fields['checkpoint']), attempt);
    if (step === 'ack.received' && attempt < this.attempt && fields['late'] !== true)
      this.#staleAttempt(step, attempt);
  }

  /** O8: no more checkpoints are under way than allowed. */
  #began(checkpoint: number): void {
    if (!this.#aborted.has(checkpoint)) this.#underWay.add(checkpoint);
    if (this.#underWay.size > this.concurrentMax) {
      this.report(
        'O8',
        'checkpoints under way',
        `${this.#underWay.size} checkpoints are under way, above ${this.concurrentMax}`,
        [`checkpoint ${checkpoint}`],
      );
    }
  }

  /** The checkpoint that became durable last; 0: none has. */
  get durable(): number {
    return this.#durable;
  }

  /** O5, O6: what is durable stays, and only the newest attempt makes something durable. */
  #completed(checkpoint: number, attempt: number): void {
    this.checkpoints += 1;
    for (const older of this.#underWay) if (older <= checkpoint) this.#underWay.delete(older);
    // A write that landed before the newer attempt began is told late, but the newer attempt has restored it.
    if (attempt < this.#begun && checkpoint > this.#restored) {
      this.report(
        'O6',
        'fencing',
        `attempt ${attempt} completed checkpoint ${checkpoint} after attempt ${this.#begun} had begun`,
        [`attempt ${attempt}`],
      );
    }
    if (checkpoint <= this.#durable && attempt === this.#begun) {
      this.report(
        'O6',
        'checkpoint ids',
        `checkpoint ${checkpoint} of attempt ${attempt} completed after checkpoint ${this.#durable} of attempt ${this.#durableAttempt}`,
        [`checkpoint ${checkpoint}`],
      );
    }
    this.#durable = Math.max(this.#durable, checkpoint);
    this.#durableAttempt = attempt;
  }

  #staleAttempt(step: string, attempt: number): void {
    this.report('O6', 'fencing', `${step} of attempt ${attempt} during attempt ${this.attempt}`, [
      `attempt ${attempt}`,
    ]);
  }

  /** O6: who has been replaced does not begin another attempt. Where the numbers say so: telling may be late, taking them is not. */
  attemptOf(process: number, attempt: number): void {
    for (const [other, first] of this.#firstAttempts) {
      if (other <= process || first >= attempt) continue;
      this.report(
        'O6',
        'fencing',
        `process ${process} begins attempt ${attempt}, although process ${other} has replaced it with attempt ${first}`,
        [`attempt ${attempt}`],
      );
    }
    if (!this.#firstAttempts.has(process)) this.#firstAttempts.set(process, attempt);
  }

  /** An attempt begins. `excused`: a fault has destroyed what it would have restored. */
  attemptBegins(attempt: number, restoredFrom: string | null, excused: boolean): void {
    if (attempt <= this.attempt && !excused) {
      this.report('O6', 'attempt numbers', `attempt ${attempt} begins after attempt ${this.attempt}`, [
        `attempt ${attempt}`,
      ]);
    }
    this.attempt = Math.max(this.attempt, attempt);
    this.#underWay.clear();
    this.#begun = this.attempt;
    this.#restored =
      restoredFrom === null ? 0 : Number(restoredFrom.slice(restoredFrom.lastIndexOf(' ') + 1));
    if (restoredFrom === null) {
      if (this.#durable > 0 && !excused) {
        this.report(
          'O5',
          'durability',
          `attempt ${attempt} starts from nothing, although checkpoint ${this.#durable} was durable`,
          [`checkpoint ${this.#durable}`],
        );
      }
      return;
    }
    this.restores += 1;
    const checkpoint = this.#restored;
    if (checkpoint < this.#durable && !excused) {
      this.report(
        'O5',
        'durability',
        `attempt ${attempt} restores checkpoint ${checkpoint}, although ${this.#durable} was durable`,
        [`checkpoint ${this.#durable}`],
      );
    }
  }

  /** O13: the watermark of a channel never goes back. `receiver` is unique over all processes of the run. */
  element(receiver: string, message: unknown): void {
    const { kind, channel, element } = message as ElementMessage;
    if (kind !== 'element' || element?.kind !== 'watermark') return;
    this.watermarks += 1;
    const key = `${receiver} ${channel}`;
    const time = element.time ?? 0;
    const before = this.#watermarks.get(key) ?? Number.NEGATIVE_INFINITY;
    if (time < before) {
      this.report('O13', 'time', `the watermark of channel ${channel} goes back from ${before} to ${time}`, [
        key,
      ]);
    }
    this.#watermarks.set(key, Math.max(time, before));
  }

  logged(fields: LogFields, message: string): void {
    if (message === 'checkpoint aborted') {
      this.#aborted.add(Number(fields['checkpoint']));
      this.#underWay.delete(Number(fields['checkpoint']));
    }
    if (message !== 'attempt failed') return;
    const cause = String(fields['error'] ?? '');
    this.failures.push(cause);
    if (cause === '') this.report('O15', 'trace', 'an attempt failed, and the log does not say why', []);
  }

  report(oracle: string, check: string, message: string, example: readonly string[]): void {
    const count = (this.#reported.get(check) ?? 0) + 1;
    this.#reported.set(check, count);
    if (count <= REPEATED_MAX)
      this.violations.push({ check: `${oracle} ${check}`, oracle, message, example });
  }
}

/** Keeps the last events of a run for its report. */
export class RunRecorder {
  readonly events: TraceEvent[] = [];
  readonly #now: () => { readonly atMs: number; readonly atStep: number };

  constructor(now: () => { readonly atMs: number; readonly atStep: number }) {
    this.#now = now;
  }

  add(actor: string, kind: TraceEvent['kind'], text: string): void {
    if (this.events.length >= EVENTS_MAX) this.events.splice(0, EVENTS_MAX / 4);
    this.events.push({ ...this.#now(), actor, kind, text });
  }
}

const EVENTS_MAX = 40_000;
