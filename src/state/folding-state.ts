// Reducing and aggregating state: one folded value per key (semantics 4.5).
//
// Owns:    folding what is added into what is stored.
// Not:     holding the value (value-cell.ts), windows, which fold in tables of their own (window-table.ts).
//
// O1. A fold may change what is stored in place: the running snapshot has taken its image before the fold sees it.
// O2. `add` folds values of the heap; nothing is encoded before a snapshot asks.

import type { AggregateFunction, AggregatingState, ReducingState } from './descriptors.js';
import { deepFreeze } from './freeze.js';
import type { ValueCell } from './value-cell.js';

export class KeyedReducingState<T> implements ReducingState<T> {
  private readonly cell: ValueCell;
  private readonly freeze: boolean;
  private readonly reduce: (stored: T, added: T) => T;

  constructor(cell: ValueCell, freeze: boolean, reduce: (stored: T, added: T) => T) {
    this.cell = cell;
    this.freeze = freeze;
    this.reduce = reduce;
  }

  get(): T | undefined {
    return this.cell.get() as T | undefined;
  }

  add(value: T): void {
    const { cell } = this;
    const entry = cell.find();
    const stored = entry === undefined ? undefined : (cell.readToFold(entry) as T | undefined);
    const folded = stored === undefined ? value : this.reduce(stored, value);
    if (this.freeze && typeof folded === 'object') deepFreeze(folded);
    cell.write(entry, folded);
  }

  clear(): void {
    this.cell.clear();
  }
}

export class KeyedAggregatingState<In, Acc, Out> implements AggregatingState<In, Out> {
  private readonly cell: ValueCell;
  private readonly aggregate: AggregateFunction<In, Acc, Out>;

  constructor(cell: ValueCell, aggregate: AggregateFunction<In, Acc, Out>) {
    this.cell = cell;
    this.aggregate = aggregate;
  }

  get(): Out | undefined {
    const accumulator = this.cell.get();
    return accumulator === undefined ? undefined : this.aggregate.getResult(accumulator as Acc);
  }

  add(value: In): void {
    const { cell, aggregate } = this;
    const entry = cell.find();
    const stored = entry === undefined ? undefined : (cell.readToFold(entry) as Acc | undefined);
    cell.write(entry, aggregate.add(stored === undefined ? aggregate.createAccumulator() : stored, value));
  }

  clear(): void {
    this.cell.clear();
  }
}
