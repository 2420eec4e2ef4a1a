// Records that reach an operator while it is still busy with an earlier one.
//
// Owns:    the order of records of an operator that can suspend in the middle of one.
// Not:     what is done with a record.
//
// Q1. A record is begun only when the one before it is through. A chained operator above may emit several records in one
//     call without looking for room (a function that calls `emit` in a loop); those after the first wait here.
// Q2. What waits is bounded by the emission overdraft of the operator above (limits.ts).

import type { OperatorContext } from './operator.js';

interface Waiting {
  readonly value: unknown;
  readonly timestamp: number;
}

export class RecordQueue {
  private readonly context: OperatorContext;
  private readonly begin: (value: unknown, timestamp: number) => boolean;
  private readonly resume: () => boolean;
  busy = false;
  private waiting: Waiting[] = [];
  private first = 0;

  /** `begin` handles a record and `resume` goes on with it; both answer whether it is through. */
  constructor(
    context: OperatorContext,
    begin: (value: unknown, timestamp: number) => boolean,
    resume: () => boolean,
  ) {
    this.context = context;
    this.begin = begin;
    this.resume = resume;
  }

  handle(value: unknown, timestamp: number): void {
    if (this.busy) {
      this.waiting.push({ value, timestamp });
      return;
    }
    if (this.begin(value, timestamp)) return;
    this.busy = true;
    this.context.suspend(() => this.work());
  }

  private work(): boolean {
    if (!this.resume()) return false;
    while (this.first < this.waiting.length) {
      if (this.context.output.full) return false;
      const next = this.waiting[this.first] as Waiting;
      this.first += 1;
      if (!this.begin(next.value, next.timestamp)) return false;
    }
    this.waiting = [];
    this.first = 0;
    this.busy = false;
    return true;
  }
}
