// A function that does something else with its state for each row: every kind of state, every operation, in any order.
//
// Owns:    which operation a row stands for, as calls of the engine.
// Not:     what has to come of it (models-state.ts, where the same operations are done by hand).
//
// P1. Each row changes one state and reads one, both by its number: neighbours of a key do different things.

import {
  aggregatingState,
  type KeyedContext,
  KeyedProcessFunction,
  listState,
  mapState,
  reducingState,
  type TimerContext,
  valueState,
} from '../../src/index.js';
import type { StateOptions } from '../../src/state/descriptors.js';
import { AT_END, CHANGES, MAP_KEYS, READS, SHORT_TTL_MS, type StateName, TTL_MS } from './models-state.js';
import type { Row } from './rows.js';

type Context = KeyedContext<number, string>;

/** Without a time to live. */
export class Operations extends KeyedProcessFunction<number, Row, string> {
  private readonly value = valueState<number>('value', this.options('value'));
  private readonly list = listState<number>('list', this.options('list'));
  private readonly map = mapState<number, number>('map', this.options('map'));
  private readonly reducing = reducingState<string>('reducing', {
    ...this.options('reducing'),
    reduce: (a, b) => `${a}.${b}`,
  });
  private readonly aggregating = aggregatingState('aggregating', {
    ...this.options('aggregating'),
    aggregate: {
      createAccumulator: () => ({ sum: 0, last: 0 }),
      add: ({ sum }, n: number) => ({ sum: sum + n, last: n }),
      getResult: ({ sum, last }) => `${sum}/${last}`,
    },
  });

  protected options(_state: StateName): StateOptions {
    return {};
  }

  protected label(context: Context, what: string): string {
    return `${context.key}|${what}`;
  }

  override onElement(row: Row, context: Context): void {
    this.change(row);
    context.emit(`${this.label(context, String(row.id))} ${this.read(row)}`);
    context.timers.event(AT_END);
  }

  override *onTimer(_at: number, context: TimerContext<number, string>): Generator<string> {
    const all = READS.map((_, read) => this.read({ id: 0, key: 0, at: 0, n: read * CHANGES.length }));
    yield `${this.label(context, 'end')} ${all.join(' ; ')}`;
  }

  private change({ id, n }: Row): void {
    const { value, list, map } = this;
    switch (CHANGES[n % CHANGES.length]) {
      case 'value.set':
        return value.set(n);
      case 'value.clear':
        return value.clear();
      case 'list.add':
        return list.add(id);
      case 'list.addAll':
        return list.addAll([id, -id]);
      case 'list.set':
        return list.set([n, id]);
      case 'list.clear':
        return list.clear();
      case 'map.set':
        return map.set(id % MAP_KEYS, id);
      case 'map.delete':
        return void map.delete(n % MAP_KEYS);
      case 'map.clear':
        return map.clear();
      case 'map.prune':
        for (const [key, each] of map.entries()) if (each % 2 === 0) map.delete(key);
        return;
      case 'map.renew':
        for (const key of map.keys()) map.set(key, id);
        return;
      case 'reducing.add':
        return this.reducing.add(String(id));
      case 'reducing.clear':
        return this.reducing.clear();
      case 'aggregating.add':
        return this.aggregating.add(n);
      default:
        return this.aggregating.clear();
    }
  }

  private read({ id, n }: Row): string {
    const { map } = this;
    switch (READS[(Math.floor(n / CHANGES.length) + id) % READS.length]) {
      case 'value':
        return `value ${this.value.get()}`;
      case 'list':
        return `list ${this.list.get().join(' ')}`;
      case 'map':
        // The order of a map is not promised.
        return `map ${[...map.entries()].sort(([a], [b]) => a - b).join(' ')}`;
      case 'map.size':
        return `size ${map.size} ${map.isEmpty()} ${map.get(1)} ${map.has(2)}`;
      case 'reducing':
        return `reducing ${this.reducing.get()}`;
      default:
        return `aggregating ${this.aggregating.get()}`;
    }
  }
}

/** With times to live of a few rows each, every one with other options, and the time at which it looked in each result. */
export class ExpiringOperations extends Operations {
  protected override options(state: StateName): StateOptions {
    switch (state) {
      case 'value':
        return { ttl: { ttlMs: TTL_MS.value, update: 'onReadAndWrite', cleanup: { entriesPerAccess: 1 } } };
      case 'list':
        return { ttl: TTL_MS.list };
      case 'map':
        return { ttl: { ttlMs: TTL_MS.map, cleanup: { entriesPerAccess: 2, onEveryRecord: true } } };
      case 'reducing':
        return { ttl: { ttlMs: TTL_MS.reducing, update: 'onReadAndWrite' } };
      default:
        return { ttl: { ttlMs: TTL_MS.aggregating, cleanup: { onFullSnapshot: false } } };
    }
  }

  protected override label(context: Context, what: string): string {
    return `${super.label(context, what)}@${context.currentProcessingTime}`;
  }
}

/** Expires soon, and is swept entry by entry. */
export class SoonExpiringOperations extends ExpiringOperations {
  protected override options(state: StateName): StateOptions {
    const update = state === 'value' || state === 'reducing' ? 'onReadAndWrite' : 'onCreateAndWrite';
    return { ttl: { ttlMs: SHORT_TTL_MS[state], update, cleanup: { entriesPerAccess: 1 } } };
  }
}
