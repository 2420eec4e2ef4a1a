// Restored state that the operator does not declare as it was.
//
// Owns:    the refusals and the notices.
// Not:     finding out (keyed-backend.ts), the words for shapes (state-shape.ts).

import { type ErrorPlace, RestoreError } from '../base/errors.js';
import { describeTable } from './keyed-restore.js';
import type { StateShape } from './state-shape.js';
import type { Table } from './table.js';

export class RestoredStates {
  private readonly place: ErrorPlace;
  private notices: string[] = [];

  constructor(place: ErrorPlace) {
    this.place = place;
  }

  /** Gives a table the shape of its declaration, unless what is in it has another one (D1 of state-shape.ts). */
  reshape(table: Table, wanted: StateShape): void {
    const { shape: had } = table;
    if (had !== null && !table.isEmpty) this.compare(table, had, wanted);
    table.shape = wanted;
  }

  private compare(table: Table, had: StateShape, wanted: StateShape): void {
    if (had.shape !== wanted.shape) {
      throw new RestoreError(
        `State "${table.name}" is declared as ${wanted.shape}; the restored snapshot has ${had.shape}.`,
        {
          ...this.place,
          remedy:
            'Declare it as it was; or give the operator a new uid and set allowNonRestoredState, to begin without what is there.',
        },
      );
    }
    if (had.setting === wanted.setting) return;
    this.notices.push(
      `The state (${wanted.shape}) was written with ${had.setting ?? 'no setting'}, and the job goes on with ${wanted.setting ?? 'none'}. What is there keeps its bounds; records that come fall under the new ones, so results around the change are partial.`,
    );
  }

  /** A table that has not been declared. Throws RestoreError, or remembers to tell that it is left behind. */
  leave(table: Table, undeclared: 'refuse' | 'leave', declared: Iterable<string>): void {
    const what = `"${table.name}" (${describeTable(table)}${table.shape === null ? '' : `, ${table.shape.shape}`})`;
    if (undeclared === 'leave') {
      this.notices.push(
        `State ${what} is left behind: the operator does not declare it, and allowNonRestoredState is set.`,
      );
      return;
    }
    const names = [...declared].map((name) => `"${name}"`).join(', ');
    throw new RestoreError(
      `The restored snapshot has state ${what}, which the operator does not declare; it declares ${names === '' ? 'none' : names}.`,
      {
        ...this.place,
        remedy: `Declare the state "${table.name}" as it was, or set allowNonRestoredState to leave it behind.`,
      },
    );
  }

  /** What there is to tell, once. */
  take(): readonly string[] {
    const { notices } = this;
    this.notices = [];
    return notices;
  }
}
