// Compares committed records with the generator's own truth.
//
// Owns:    what is lost, duplicated, unexpected, and whether each key counted 1, 2, 3, ... without gap or repeat.
// Not:     where the records come from (committed-files.ts).
//
// L1. Only what a reader outside sees is entered here, never a counter of the engine.

import { type Counted, keyOf } from './counting-job.js';

export interface Account {
  readonly expected: number;
  readonly committed: number;
  readonly lost: number;
  readonly duplicated: number;
  /** Records that no generator made. */
  readonly unexpected: number;
  /** Numbers missing in, or repeated in, the count of a key. */
  readonly miscounted: number;
}

export class Ledger {
  readonly #records: number;
  readonly #keys: number;
  readonly #times: Uint32Array;
  readonly #counts = new Map<string, Map<number, number>>();
  #committed = 0;
  #unexpected = 0;

  constructor(truth: { readonly records: number; readonly keys: number }) {
    this.#records = truth.records;
    this.#keys = truth.keys;
    this.#times = new Uint32Array(truth.records);
  }

  get committed(): number {
    return this.#committed;
  }

  enter(value: unknown): void {
    this.#committed += 1;
    if (!isCounted(value) || value.id >= this.#records || value.key !== keyOf(value.id, this.#keys)) {
      this.#unexpected += 1;
      return;
    }
    this.#times[value.id] = (this.#times[value.id] ?? 0) + 1;
    const counts = this.#counts.get(value.key) ?? new Map<number, number>();
    this.#counts.set(value.key, counts);
    counts.set(value.n, (counts.get(value.n) ?? 0) + 1);
  }

  /** True when something was committed twice so far: also in the middle of a run that is wrong. */
  get hasDuplicates(): boolean {
    return this.#times.some((times) => times > 1);
  }

  account(): Account {
    let lost = 0;
    let duplicated = 0;
    for (const times of this.#times) {
      if (times === 0) lost += 1;
      else duplicated += times - 1;
    }
    return {
      expected: this.#records,
      committed: this.#committed,
      lost,
      duplicated,
      unexpected: this.#unexpected,
      miscounted: this.#miscounted(),
    };
  }

  #miscounted(): number {
    let wrong = 0;
    for (const counts of this.#counts.values()) {
      let highest = 0;
      for (const [n, times] of counts) {
        highest = Math.max(highest, n);
        wrong += times - 1;
      }
      wrong += highest - counts.size;
    }
    return wrong;
  }
}

/** What is wrong with an account, in words; empty when nothing is. */
export function complaints(account: Account): string[] {
  const { lost, duplicated, unexpected, miscounted } = account;
  return Object.entries({ lost, duplicated, unexpected, miscounted })
    .filter(([, count]) => count > 0)
    .map(([what, count]) => `${count} ${what} of ${account.expected}`);
}

function isCounted(value: unknown): value is Counted {
  if (typeof value !== 'object' || value === null) return false;
  const { id, key, n } = value as Partial<Record<keyof Counted, unknown>>;
  const whole = Number.isSafeInteger(id) && Number(id) >= 0 && Number.isSafeInteger(n) && Number(n) >= 1;
  return whole && typeof key === 'string';
}
