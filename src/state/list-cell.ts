// A stored list, as an entry of list state and operator state hold it.
//
// Owns:    who may change the array.
// Not:     what is in it.
//
// V1. An array that a reader holds never changes: it is lent, and the next write works on a copy. Until somebody reads, adding
//     is a push.

export class ListCell {
  items: unknown[];
  lent = false;

  constructor(items: unknown[]) {
    this.items = items;
  }

  lend(): readonly unknown[] {
    this.lent = true;
    return this.items;
  }

  /** The array, for adding to it. */
  own(): unknown[] {
    if (this.lent) {
      this.items = this.items.slice();
      this.lent = false;
    }
    return this.items;
  }
}
