// Operator state: lists that belong to a subtask and not to a key, such as positions of sources (semantics 4.14, 4.15).
//
// Owns:    the lists of one operator subtask, and their form in a snapshot.
// Not:     spreading them over subtasks when the parallelism changes (the checkpoint's assignment).
//
// L1. A union list that has been restored and not written since is put into a snapshot by subtask 0 alone: every subtask has
//     all of it, and writing it back from each would multiply it with every restart.
// L2. A list that was restored and that nobody has declared yet is kept, and is in every later snapshot.

import { present } from '../base/assert.js';
import { decode, encode } from '../base/codec.js';
import { RestoreError, StateError } from '../base/errors.js';
import { deepFreeze } from '../base/freeze.js';
import { ListCell } from './list-cell.js';
import { notStorable, PutCheck } from './put-check.js';

export type Redistribution = 'split' | 'union';

/** A list as it is in a snapshot: each item as the codec wrote it, so that items can be spread without being understood. */
export interface StoredList {
  readonly name: string;
  readonly redistribution: Redistribution;
  readonly items: readonly Uint8Array[];
}

/** A list of an operator subtask. Elements are neither null nor undefined: StateError. */
export interface OperatorListState<T> {
  /** In the order in which they were added. After a restore: `list` this subtask's share, `union` the items of all subtasks. */
  get(): readonly T[];
  /** Replaces the list. */
  set(items: Iterable<T>): void;
  add(item: T): void;
}

interface Held {
  readonly redistribution: Redistribution;
  cell: ListCell;
  declared: boolean;
  /** Written since the restore. */
  written: boolean;
}

export interface OperatorStateOptions {
  /** Name of the operator, for errors. */
  readonly operator: string;
  readonly subtask: number;
  /** Development: freeze what is stored. */
  readonly freeze: boolean;
}

/** A list as it was before the call in hand changed it. */
interface Before {
  readonly held: Held;
  readonly cell: ListCell;
  readonly items: unknown[];
  readonly length: number;
  readonly lent: boolean;
  readonly written: boolean;
}

export class OperatorStateStore {
  private readonly options: OperatorStateOptions;
  private readonly held = new Map<string, Held>();
  private readonly puts = new Map<string, PutCheck>();
  /** Changed by the call in hand, if that can be taken back. */
  private readonly trial = new Map<Held, Before>();
  private trying = false;

  constructor(options: OperatorStateOptions) {
    this.options = options;
  }

  /** Spread evenly over the subtasks when the parallelism changes. */
  list<T>(name: string): OperatorListState<T> {
    return this.declare<T>(name, 'split');
  }

  /** Given whole to every subtask on restore: each picks its part and calls `set` with it, subtask 0 at the latest. */
  union<T>(name: string): OperatorListState<T> {
    return this.declare<T>(name, 'union');
  }

  /** The lists that are not empty, as they are now. Throws CodecError for an item that cannot be stored. */
  snapshotLists(): readonly StoredList[] {
    const stored: StoredList[] = [];
    for (const [name, { redistribution, cell, written }] of this.held) {
      const { items } = cell;
      const others = redistribution === 'union' && !written && this.options.subtask !== 0;
      if (items.length === 0 || others) continue;
      stored.push({ name, redistribution, items: items.map((item) => this.encoded(name, item)) });
    }
    return stored;
  }

  /** Before the first record. */
  restoreLists(lists: readonly StoredList[]): void {
    for (const { name, redistribution, items } of lists) {
      const held = this.held.get(name);
      if (held !== undefined && held.redistribution !== redistribution)
        throw this.mismatch(name, held.redistribution);
      const cell = new ListCell(items.map((item) => this.kept(decode(item))));
      this.held.set(name, { redistribution, cell, declared: held?.declared ?? false, written: false });
    }
  }

  /** What changes from now on can be taken back, until `endTrial`. */
  beginTrial(): void {
    this.trying = true;
  }

  endTrial(kept: boolean): void {
    this.trying = false;
    if (this.trial.size === 0) return;
    const changed = [...this.trial.values()];
    this.trial.clear();
    if (kept) return;
    for (const { held, cell, items, length, lent, written } of changed) {
      const grown = items.length > length;
      cell.items = grown ? items.slice(0, length) : items;
      cell.lent = grown ? false : lent || cell.lent;
      held.cell = cell;
      held.written = written;
    }
  }

  private note(held: Held): void {
    if (!this.trying || this.trial.has(held)) return;
    const { cell, written } = held;
    this.trial.set(held, {
      held,
      cell,
      items: cell.items,
      length: cell.items.length,
      lent: cell.lent,
      written,
    });
  }

  private declare<T>(name: string, redistribution: Redistribution): OperatorListState<T> {
    const held = this.held.get(name) ?? {
      redistribution,
      cell: new ListCell([]),
      declared: true,
      written: false,
    };
    if (held.redistribution !== redistribution) {
      throw held.declared ? this.conflict(name) : this.mismatch(name, redistribution);
    }
    held.declared = true;
    this.held.set(name, held);
    return {
      get: () => this.read(name).cell.lend() as readonly T[],
      set: (items) =>
        this.replace(
          name,
          Array.from(items, (item) => this.checked(name, item)),
        ),
      add: (item) => this.append(name, this.checked(name, item)),
    };
  }

  /** Looked up each time: a restore replaces what is held. */
  private read(name: string): Held {
    return present(this.held.get(name), 'a declared list');
  }

  private replace(name: string, items: unknown[]): void {
    const held = this.read(name);
    this.note(held);
    held.cell = new ListCell(items);
    held.written = true;
  }

  private append(name: string, item: unknown): void {
    const held = this.read(name);
    this.note(held);
    held.cell.own().push(item);
    held.written = true;
  }

  private checked(name: string, item: unknown): unknown {
    if (item !== null && item !== undefined) {
      this.putsOf(name).admit(item);
      return item;
    }
    throw new StateError(`An item of operator state "${name}" is never ${String(item)}.`, {
      ...this.place(),
      remedy: 'Leave the item out.',
    });
  }

  private putsOf(name: string): PutCheck {
    let puts = this.puts.get(name);
    if (puts === undefined) {
      puts = new PutCheck(stateNamed(name), this.place(), this.options.freeze, null);
      this.puts.set(name, puts);
    }
    return puts;
  }

  private encoded(name: string, item: unknown): Uint8Array {
    try {
      return encode(item);
    } catch (cause) {
      throw notStorable(stateNamed(name), this.place(), cause);
    }
  }

  private kept(item: unknown): unknown {
    return this.options.freeze ? deepFreeze(item) : item;
  }

  private place(): { readonly operator: string; readonly subtask: number } {
    return { operator: this.options.operator, subtask: this.options.subtask };
  }

  private conflict(name: string): StateError {
    return new StateError(`Operator state "${name}" is declared both as list and as union.`, {
      ...this.place(),
      remedy: 'Give one of them another name.',
    });
  }

  private mismatch(name: string, declared: Redistribution): RestoreError {
    const other = declared === 'split' ? 'union' : 'list';
    return new RestoreError(
      `Operator state "${name}" is declared as ${declared === 'split' ? 'list' : 'union'}; the snapshot has a ${other} of that name.`,
      { ...this.place(), remedy: 'Give the new state another name, or declare it as it was.' },
    );
  }
}

function stateNamed(name: string): string {
  return `Operator state "${name}"`;
}
