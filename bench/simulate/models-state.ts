// What a row does to the state of its key, by hand: arrays, maps, and a stamp on everything.
//
// Owns:    the operations by name, the state of one key without the engine, checking results that tell their time.
// Not:     the same operations on the engine (state-operations.ts).
//
// M1. Nothing of the engine is used here.
// M2. Time to live goes by the time that each result tells: when a row is handled depends on the run, what must come of it then
//     does not. Results of a key are in order, so the state of a key can be followed from result to result.

import { type Model, perKey } from './models.js';
import type { Row } from './rows.js';

export type StateName = 'value' | 'list' | 'map' | 'reducing' | 'aggregating';

export const CHANGES = [
  'value.set',
  'list.add',
  'map.set',
  'reducing.add',
  'aggregating.add',
  'list.addAll',
  'map.delete',
  'value.clear',
  'map.clear',
  'list.set',
  'map.renew',
  'map.set',
  'reducing.clear',
  'map.prune',
  'list.clear',
  'aggregating.clear',
] as const;

export const READS = ['value', 'list', 'map', 'map.size', 'reducing', 'aggregating'] as const;

export const MAP_KEYS = 9;
/** When the end of all keys is told. */
export const AT_END: number = Number.MAX_SAFE_INTEGER - 1;

export type TimesToLive = Readonly<Record<StateName, number>>;

/** A few rows of a key each. */
export const TTL_MS: TimesToLive = { value: 12, list: 9, map: 20, reducing: 7, aggregating: 15 };
/** Short: what was cleared expires while a sweep is still on its way through it. */
export const SHORT_TTL_MS: TimesToLive = { value: 3, list: 4, map: 4, reducing: 2, aggregating: 3 };

/** Nothing but changes of lists and maps, on few keys. */
export function listsAndMaps(rows: readonly Row[]): readonly Row[] {
  const changes = CHANGES.flatMap((name, index) => (/^(list|map)/.test(name) ? [index] : []));
  return rows.map((row) => ({
    ...row,
    key: row.key % 3,
    n: (changes[row.n % changes.length] ?? 0) + CHANGES.length * (row.n % 6),
  }));
}

interface Stamped<T> {
  readonly at: number;
  readonly is: T;
}

class StateOfKey {
  private value: Stamped<number> | null = null;
  private list: Stamped<number>[] = [];
  private map = new Map<number, Stamped<number>>();
  private reducing: Stamped<string> | null = null;
  private aggregating: Stamped<{ readonly sum: number; readonly last: number }> | null = null;
  private readonly ttl: TimesToLive | null;
  private now = 0;

  constructor(ttl: TimesToLive | null) {
    this.ttl = ttl;
  }

  handle(row: Row, now: number): string {
    this.expire(now);
    this.change(row);
    return this.read(row);
  }

  end(now: number): string {
    this.expire(now);
    return READS.map((_, read) => this.read({ id: 0, key: 0, at: 0, n: read * CHANGES.length })).join(' ; ');
  }

  private expire(now: number): void {
    this.now = now;
    const { ttl } = this;
    if (ttl === null) return;
    const alive = (state: StateName, { at }: Stamped<unknown>): boolean => at + ttl[state] > now;
    if (this.value !== null && !alive('value', this.value)) this.value = null;
    this.list = this.list.filter((item) => alive('list', item));
    for (const [key, item] of this.map) if (!alive('map', item)) this.map.delete(key);
    if (this.reducing !== null && !alive('reducing', this.reducing)) this.reducing = null;
    if (this.aggregating !== null && !alive('aggregating', this.aggregating)) this.aggregating = null;
  }

  private stamped<T>(is: T): Stamped<T> {
    return { at: this.now, is };
  }

  private change({ id, n }: Row): void {
    switch (CHANGES[n % CHANGES.length]) {
      case 'value.set':
        this.value = this.stamped(n);
        return;
      case 'value.clear':
        this.value = null;
        return;
      case 'list.add':
        this.list.push(this.stamped(id));
        return;
      case 'list.addAll':
        this.list.push(this.stamped(id), this.stamped(-id));
        return;
      case 'list.set':
        this.list = [this.stamped(n), this.stamped(id)];
        return;
      case 'list.clear':
        this.list = [];
        return;
      case 'map.set':
        this.map.set(id % MAP_KEYS, this.stamped(id));
        return;
      case 'map.delete':
        this.map.delete(n % MAP_KEYS);
        return;
      case 'map.clear':
        this.map.clear();
        return;
      case 'map.prune':
        for (const [key, { is }] of this.map) if (is % 2 === 0) this.map.delete(key);
        return;
      case 'map.renew':
        for (const key of this.map.keys()) this.map.set(key, this.stamped(id));
        return;
      case 'reducing.add':
        this.reducing = this.stamped(this.reducing === null ? String(id) : `${this.reducing.is}.${id}`);
        return;
      case 'reducing.clear':
        this.reducing = null;
        return;
      case 'aggregating.add':
        this.aggregating = this.stamped({ sum: (this.aggregating?.is.sum ?? 0) + n, last: n });
        return;
      default:
        this.aggregating = null;
    }
  }

  private read({ id, n }: Row): string {
    const { map } = this;
    switch (READS[(Math.floor(n / CHANGES.length) + id) % READS.length]) {
      case 'value':
        // Reading refreshes it, as it does the reducing state.
        this.value = this.value === null ? null : this.stamped(this.value.is);
        return `value ${this.value?.is}`;
      case 'list':
        return `list ${this.list.map(({ is }) => is).join(' ')}`;
      case 'map':
        return `map ${[...map]
          .map(([key, { is }]) => [key, is] as const)
          .sort(([a], [b]) => a - b)
          .join(' ')}`;
      case 'map.size':
        return `size ${map.size} ${map.size === 0} ${map.get(1)?.is} ${map.has(2)}`;
      case 'reducing':
        this.reducing = this.reducing === null ? null : this.stamped(this.reducing.is);
        return `reducing ${this.reducing?.is}`;
      default:
        return `aggregating ${this.aggregating === null ? undefined : `${this.aggregating.is.sum}/${this.aggregating.is.last}`}`;
    }
  }
}

export const operations: Model = (rows) =>
  perKey(rows).flatMap(([key, of]) => {
    const state = new StateOfKey(null);
    return [...of.map((row) => `${key}|${row.id} ${state.handle(row, 0)}`), `${key}|end ${state.end(0)}`];
  });

/** Follows each key through its results: `<key>|<id>@<time> <what was read>`, and `<key>|end@<time> ...` behind them. */
export const checkExpiring =
  (ttl: TimesToLive) =>
  (rows: readonly Row[], results: readonly string[], finished: boolean): readonly string[] => {
    const wrong: string[] = [];
    const byKey = new Map(perKey(rows));
    const told = new Map<number, string[]>();
    for (const text of results) {
      const key = Number(text.slice(0, text.indexOf('|')));
      told.set(key, [...(told.get(key) ?? []), text]);
    }
    for (const key of told.keys()) if (!byKey.has(key)) wrong.push(`nobody has the key ${key}`);
    for (const [key, of] of byKey) wrong.push(...checkKey(key, of, told.get(key) ?? [], finished, ttl));
    return wrong;
  };

function checkKey(
  key: number,
  rows: readonly Row[],
  results: readonly string[],
  finished: boolean,
  ttl: TimesToLive,
): readonly string[] {
  const state = new StateOfKey(ttl);
  const steps = rows.length + 1;
  for (const [step, text] of results.entries()) {
    const row = rows[step];
    const now = Number(/@(\d+) /.exec(text)?.[1] ?? Number.NaN);
    if (step >= steps) return [`${text} comes behind the end`];
    const wanted =
      row === undefined
        ? `${key}|end@${now} ${state.end(now)}`
        : `${key}|${row.id}@${now} ${state.handle(row, now)}`;
    if (text !== wanted) return [`${text}, and not ${wanted}`];
  }
  return finished && results.length < steps ? [`key ${key} ends behind ${results.at(-1)}`] : [];
}
