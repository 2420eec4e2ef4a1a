// Rows in key order, in memory.
//
// Owns:    the order (that of the encoded bytes), and ranges over it.
// Not:     what the bytes mean.

export interface SortedRow {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

export class SortedRows {
  /** One character per byte, so that strings compare as the bytes do; always sorted. */
  readonly #order: string[] = [];
  readonly #rows = new Map<string, SortedRow>();

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#rows.get(textOf(key))?.value;
  }

  put(key: Uint8Array, value: Uint8Array): void {
    const text = textOf(key);
    if (!this.#rows.has(text)) this.#order.splice(this.#position(text), 0, text);
    this.#rows.set(text, { key, value });
  }

  remove(key: Uint8Array): void {
    const text = textOf(key);
    if (this.#rows.delete(text)) this.#order.splice(this.#position(text), 1);
  }

  /** Rows with `from <= key < to`, ascending. */
  range(from: Uint8Array | undefined, to: Uint8Array | undefined): SortedRow[] {
    const start = from === undefined ? 0 : this.#position(textOf(from));
    const end = to === undefined ? this.#order.length : this.#position(textOf(to));
    return this.#order.slice(start, end).flatMap((text) => this.#rows.get(text) ?? []);
  }

  copy(): SortedRows {
    const copy = new SortedRows();
    copy.#order.push(...this.#order);
    for (const [text, row] of this.#rows) copy.#rows.set(text, row);
    return copy;
  }

  /** Index of the first row that is not before `text`. */
  #position(text: string): number {
    let low = 0;
    let high = this.#order.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#order[middle] ?? '') < text) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function textOf(key: Uint8Array): string {
  return Buffer.from(key).toString('latin1');
}
