// Value state: one value per key (semantics 4.2).
//
// Owns:    what undefined and null mean.
// Not:     holding the value (value-cell.ts).

import type { ValueState } from './descriptors.js';
import type { ValueCell } from './value-cell.js';

export class KeyedValueState<T> implements ValueState<T> {
  private readonly cell: ValueCell;

  constructor(cell: ValueCell) {
    this.cell = cell;
  }

  get(): T | undefined {
    return this.cell.get() as T | undefined;
  }

  set(value: T | undefined | null): void {
    if (value === undefined || value === null) {
      this.cell.clear();
      return;
    }
    this.cell.puts.admit(value);
    this.cell.write(this.cell.find(), value);
  }

  clear(): void {
    this.cell.clear();
  }
}
