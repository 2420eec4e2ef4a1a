// Results of a job in the memory of the program that runs it.
//
// Owns:    committed values that wait to be read, one reading loop, holding back writers while it lags.
// Not:     what is committed and when (collect-sink.ts).
//
// R1. Values are added in the order of their commits and are read once.
// R2. While a loop reads, writers wait when COLLECT_UNREAD_RECORDS_MAX values are unread. Without a loop nothing is bounded:
//     whoever collects without reading wants all of it in memory.

import { ConfigError } from '../base/errors.js';

type Reading =
  | { readonly kind: 'never' }
  | { readonly kind: 'loop' }
  /** The loop was left: the rest is not wanted, and nobody waits for it. */
  | { readonly kind: 'left' };

type Job =
  | { readonly kind: 'running' }
  | { readonly kind: 'finished' }
  | { readonly kind: 'failed'; readonly error: unknown };

export class CollectResults<T> implements AsyncIterable<T> {
  private readonly unreadMax: number;
  private unread: T[] = [];
  /** How many at the front of `unread` have been read: shifting each would cost a move of all. */
  private read = 0;
  private reading: Reading = { kind: 'never' };
  private job: Job = { kind: 'running' };
  private readerWaiting: (() => void) | null = null;
  private writersWaiting: (() => void)[] = [];

  constructor(unreadMax: number) {
    this.unreadMax = unreadMax;
  }

  /** What is committed and has not been taken by a loop. */
  committed(): readonly T[] {
    return this.unread.slice(this.read);
  }

  add(values: readonly T[]): void {
    if (this.reading.kind === 'left') return;
    for (const value of values) this.unread.push(value);
    this.wakeReader();
  }

  /** Nothing, or a promise to wait for before more is written. */
  room(): void | Promise<void> {
    if (this.reading.kind !== 'loop' || this.unread.length - this.read < this.unreadMax) return;
    return new Promise((resolve) => {
      this.writersWaiting.push(resolve);
    });
  }

  /** No result will follow. With an error, a reading loop throws it after the last result. */
  end(error: unknown = null): void {
    if (this.job.kind !== 'running') return;
    this.job = error === null ? { kind: 'finished' } : { kind: 'failed', error };
    this.wakeReader();
    this.wakeWriters();
  }

  [Symbol.asyncIterator](): AsyncIterator<T> {
    if (this.reading.kind !== 'never') {
      throw new ConfigError('The results are read by another loop already.', {
        remedy: 'Read them in one loop, or take committed() when the job has finished.',
      });
    }
    this.reading = { kind: 'loop' };
    return {
      next: () => this.next(),
      return: () => Promise.resolve(this.leave()),
    };
  }

  private async next(): Promise<IteratorResult<T>> {
    while (this.read === this.unread.length) {
      if (this.reading.kind === 'left' || this.job.kind === 'finished')
        return { done: true, value: undefined };
      if (this.job.kind === 'failed') throw this.job.error;
      await new Promise<void>((resolve) => {
        this.readerWaiting = resolve;
      });
    }
    const value = this.unread[this.read] as T;
    this.read += 1;
    this.compact();
    return { done: false, value };
  }

  private compact(): void {
    if (this.read < this.unread.length && this.read < 1_024) return;
    this.unread = this.unread.slice(this.read);
    this.read = 0;
    if (this.unread.length < this.unreadMax) this.wakeWriters();
  }

  private leave(): IteratorResult<T> {
    this.reading = { kind: 'left' };
    this.unread = [];
    this.read = 0;
    this.wakeReader();
    this.wakeWriters();
    return { done: true, value: undefined };
  }

  private wakeReader(): void {
    const waiting = this.readerWaiting;
    this.readerWaiting = null;
    waiting?.();
  }

  private wakeWriters(): void {
    const waiting = this.writersWaiting;
    this.writersWaiting = [];
    for (const resolve of waiting) resolve();
  }
}
