// A function that sets timers of processing time, takes some of them back, and tells when they ring.

import { type KeyedContext, KeyedProcessFunction, type TimerContext, valueState } from '../../src/index.js';
import type { Row } from './rows.js';

/** Every so many rows a timer is taken back. */
const TAKEN_BACK_EVERY = 4;
const WAIT_MS_MAX = 25;

export class Ticks extends KeyedProcessFunction<number, Row, string> {
  private readonly last = valueState<number>('last');

  override onElement({ id, n }: Row, context: KeyedContext<number, string>): void {
    const now = context.currentProcessingTime;
    const last = this.last.get();
    let text = `${context.key}|set ${id}@${now}`;
    if (id % TAKEN_BACK_EVERY === 0 && last !== undefined) {
      context.timers.deleteProcessing(last);
      text += ` without ${last}`;
    }
    const due = now + 1 + (n % WAIT_MS_MAX);
    context.timers.processing(due);
    this.last.set(due);
    context.emit(`${text} for ${due}`);
  }

  override onTimer(at: number, context: TimerContext<number, string>): void {
    context.emit(`${context.key}|ring ${at}@${context.currentProcessingTime}`);
  }
}
