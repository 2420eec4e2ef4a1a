// What shapes of several kinds are built of.

import { type DataStream, type KeyedContext, KeyedProcessFunction, valueState } from '../../src/index.js';
import type { Row } from './rows.js';

export const text = ({ id }: Row): string => `id ${id}`;

export const byKey = (rows: DataStream<Row>) => rows.keyBy(({ key }) => key);

export const windowText =
  (name: string) =>
  (key: number, window: { readonly start: number; readonly end: number }, n: number): string =>
    `${name} ${key} ${window.start}-${window.end}: ${n}`;

/** `<key>#<n>`: the n-th record of its key. */
export class Count extends KeyedProcessFunction<number, Row, string> {
  private readonly seen = valueState<number>('seen');

  override onElement(_row: Row, context: KeyedContext<number, string>): void {
    const n = (this.seen.get() ?? 0) + 1;
    this.seen.set(n);
    context.emit(`${context.key}#${n}`);
  }
}
