// Value state: one value per key (semantics 4.2).
//
// Owns:    what undefined and null mean, and freezing.
// Not:     holding the value (value-cell.ts).

import type { ValueState } from './descriptors.js';
import { deepFreeze } from './freeze.js';
import type { ValueCell } from './value-cell.js';

export class KeyedValueState<T> implements ValueState<T> {
  private readonly cell: ValueCell;
  private readonly freeze: boolean;

  constructor(cell: ValueCell, freeze: boolean) {
    this.cell = cell;
    this.freeze = freeze;
  }

  get(): T | undefined {
    return this.cell.get() as T | undefined;
  }

  set(value: T | undefined | null): void {
    if (value === undefined || value === null) {
      this.cell.clear();
      return;
    }
    if (this.freeze && typeof value === 'object') deepFreeze(value);
    this.cell.write(this.cell.find(), value);
  }

  clear(): void {
    this.cell.clear();
  }
}
