// The changes of one call of a user's function, so that they can be taken back when it fails.
//
// Owns:    what was there before, for entries of tables; the order in which changes are undone.
// Not:     when a call begins and whether it failed (src/operators/trial.ts), lists of a subtask (operator-state.ts).
//
// U1. Taking back is done by ordinary changes, newest first: a running snapshot and later increments see them as such.
// U2. What a call may have changed in place is copied before it has it in hand: accumulators, and values read from state.
//     Elements of lists and of windows are records, and records are values: of those only the number is noted.
// U3. What a call had removed comes back as the entry that it was, at the end of its map or window.

import type { ListCell } from './list-cell.js';
import { separate } from './separate.js';
import type { Entry, Space } from './table.js';

/** Answers the value as it was when the image was taken. */
export type Image = () => unknown;

export type ImageOf = (value: unknown) => Image;

export class UndoLog {
  private readonly steps: (() => void)[] = [];
  private readonly imaged = new Set<Entry>();

  /** A reader gets the value in hand, and may change it in place. */
  lent(entry: Entry): void {
    if (this.imaged.has(entry)) return;
    const { kind } = entry.space.table;
    if (kind === 'list' || typeof entry.value !== 'object' || entry.value === null) return;
    this.keep(entry, copied(entry.value));
  }

  /** The entry is about to change. */
  changed(entry: Entry): void {
    if (!this.imaged.has(entry)) this.keep(entry, imageOf(entry));
  }

  added(entry: Entry): void {
    this.imaged.add(entry);
    const { table } = entry.space;
    this.steps.push(() => table.remove(entry));
  }

  removed(entry: Entry): void {
    const { table } = entry.space;
    this.steps.push(() => table.putBack(entry));
  }

  dropped(space: Space): void {
    const { table } = space;
    this.steps.push(() => table.attach(space));
  }

  /** Nobody logs meanwhile. */
  undo(): void {
    for (let step = this.steps.pop(); step !== undefined; step = this.steps.pop()) step();
    this.imaged.clear();
  }

  clear(): void {
    if (this.steps.length > 0) this.steps.length = 0;
    if (this.imaged.size > 0) this.imaged.clear();
  }

  private keep(entry: Entry, image: Image): void {
    this.imaged.add(entry);
    this.steps.push(() => {
      entry.value = image();
    });
  }
}

function imageOf(entry: Entry): Image {
  const { value } = entry;
  const { table } = entry.space;
  if (typeof value !== 'object' || value === null) return () => value;
  if (table.image !== null) return table.image(value);
  if (table.kind === 'list') return imageOfList(value as ListCell);
  // What else a call changes it has read first (lent), or it replaces it.
  return table.kind === 'window' ? copied(value) : () => value;
}

/** An array that was lent stays as its reader has it; of one that was not, only the end can have changed. */
function imageOfList(cell: ListCell): Image {
  const { items, lent } = cell;
  const { length } = items;
  return () => {
    const grown = items.length > length;
    cell.items = grown ? items.slice(0, length) : items;
    cell.lent = grown ? false : lent || cell.lent;
    return cell;
  };
}

/** An image by copy. Throws CodecError for what cannot be stored. */
export function copied(value: unknown): Image {
  const copy = separate(value);
  return () => copy;
}

/** An image of a list to whose end elements are added, and nothing else. */
export function imageOfElements(elements: readonly unknown[]): Image {
  const { length } = elements;
  return () => elements.slice(0, length);
}
