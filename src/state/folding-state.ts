// Reducing and aggregating state: one folded value per key (semantics 4.5).
//
// Owns:    folding what is added into what is stored.
// Not:     holding the value (value-cell.ts), windows, which fold in tables of their own (window-table.ts).
//
// O1. A fold may change what is stored in place: the running snapshot has taken its image before the fold sees it.
// O2. What was handed out does not change when more is added: a fold that works in place is given a copy (separate.ts).
// O3. `add` folds values of the heap; nothing is encoded before a snapshot asks.

import { refuseLater } from '../base/at-once.js';
import { deepFreeze } from '../base/freeze.js';
import type { AggregateFunction, AggregatingState, ReducingState } from './descriptors.js';
import { Lent } from './separate.js';
import type { ValueCell } from './value-cell.js';

export class KeyedReducingState<T> implements ReducingState<T> {
  private readonly cell: ValueCell;
  private readonly freeze: boolean;
  private readonly reduce: (stored: T, added: T) => T;
  private readonly lent = new Lent();

  constructor(cell: ValueCell, freeze: boolean, reduce: (stored: T, added: T) => T) {
    this.cell = cell;
    this.freeze = freeze;
    this.reduce = reduce;
  }

  get(): T | undefined {
    const value = this.cell.get();
    this.lent.lend(value, value);
    return value as T | undefined;
  }

  add(value: T): void {
    const { cell } = this;
    const entry = cell.find();
    const stored = entry === undefined ? undefined : (cell.readToFold(entry) as T | undefined);
    const folded = stored === undefined ? value : this.reduce(this.owned(stored), value);
    if (typeof folded === 'object') refuseLater('the reduce function of a state', folded);
    cell.puts.admit(folded);
    cell.write(entry, folded);
  }

  /** In development the copy is frozen as well: a fold that changes its left side in place is told so in any case. */
  private owned(stored: T): T {
    const owned = this.lent.own(stored) as T;
    return this.freeze ? deepFreeze(owned) : owned;
  }

  clear(): void {
    this.cell.clear();
  }
}

export class KeyedAggregatingState<In, Acc, Out> implements AggregatingState<In, Out> {
  private readonly cell: ValueCell;
  private readonly freeze: boolean;
  private readonly aggregate: AggregateFunction<In, Acc, Out>;
  private readonly lent = new Lent();

  constructor(cell: ValueCell, freeze: boolean, aggregate: AggregateFunction<In, Acc, Out>) {
    this.cell = cell;
    this.freeze = freeze;
    this.aggregate = aggregate;
  }

  get(): Out | undefined {
    const accumulator = this.cell.get();
    if (accumulator === undefined) return undefined;
    const result = this.aggregate.getResult(accumulator as Acc);
    if (typeof result === 'object') refuseLater('getResult of a state', result);
    this.lent.lend(accumulator, result);
    // The accumulator may freeze with it: it is not changed any more either.
    return this.freeze ? deepFreeze(result) : result;
  }

  add(value: In): void {
    const { cell, aggregate } = this;
    const entry = cell.find();
    const stored = entry === undefined ? undefined : (cell.readToFold(entry) as Acc | undefined);
    const accumulator = stored === undefined ? aggregate.createAccumulator() : (this.lent.own(stored) as Acc);
    if (typeof accumulator === 'object') refuseLater('createAccumulator of a state', accumulator);
    const folded = aggregate.add(accumulator, value);
    if (typeof folded === 'object') refuseLater('the aggregate function of a state', folded);
    cell.puts.check(folded);
    cell.write(entry, folded);
  }

  clear(): void {
    this.cell.clear();
  }
}
