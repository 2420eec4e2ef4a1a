// Shapes with state by key.
//
// Owns:    that part of the list.
// Not:     what a shape is (shape.ts), the whole list (shapes.ts).

import type { FaultKind } from '../../src/chaos/fault-kinds.js';
import {
  type KeyedContext,
  KeyedProcessFunction,
  listState,
  mapState,
  reducingState,
  type TimerContext,
  valueState,
} from '../../src/index.js';
import * as models from './models.js';
import { checkExpiring, listsAndMaps, operations, SHORT_TTL_MS, TTL_MS } from './models-state.js';
import { checkTicks } from './models-ticks.js';
import type { Row } from './rows.js';
import type { Shape } from './shape.js';
import { byKey, Count } from './shape-functions.js';
import { ExpiringOperations, Operations, SoonExpiringOperations } from './state-operations.js';
import { Ticks } from './ticks.js';

/** An alarm when a key has been silent for a while; each record moves it. */
class Alarm extends KeyedProcessFunction<number, Row, string> {
  private readonly due = valueState<number>('due');

  override onElement(_row: Row, context: KeyedContext<number, string>): void {
    const before = this.due.get();
    if (before !== undefined && before > context.timestamp) context.timers.deleteEvent(before);
    this.due.set(context.timestamp + models.ALARM_MS);
    context.timers.event(context.timestamp + models.ALARM_MS);
  }

  override onTimer(at: number, context: TimerContext<number, string>): void {
    context.emit(`alarm ${context.key} ${at}`);
  }
}

/** Lists, maps and reduced sums, given back when a timer rings. */
class Gather extends KeyedProcessFunction<number, Row, string> {
  private readonly ids = listState<number>('ids');
  private readonly byN = mapState<number, number>('byN');
  private readonly total = reducingState<number>('total', { reduce: (a, b) => a + b });

  override onElement(row: Row, context: KeyedContext<number, string>): void {
    this.ids.add(row.id);
    this.byN.set(row.n % 3, (this.byN.get(row.n % 3) ?? 0) + 1);
    this.total.add(row.n);
    context.timers.event(Number.MAX_SAFE_INTEGER - 1);
  }

  override *onTimer(_at: number, context: TimerContext<number, string>): Generator<string> {
    const ids = [...this.ids.get()].sort((a, b) => a - b);
    const counts = [...this.byN.entries()].sort(([a], [b]) => a - b);
    yield `gathered ${context.key}: ${ids.join(' ')} / ${counts.join(' ')} / ${this.total.get()}`;
  }
}

/** Where results tell the time, it must not go back from one attempt to the next. */
const CLOCKS: readonly FaultKind[] = ['clock.jump', 'clock.drift'];

export const STATE_SHAPES: readonly Shape[] = [
  {
    name: 'count',
    oracle: 'O2',
    ordered: true,
    build: (rows) => byKey(rows).process(Count).uid('count'),
    model: models.counts,
  },
  {
    name: 'countRebalanced',
    oracle: 'O2',
    // They do not divide evenly among two.
    splits: 3,
    build: (rows) => byKey(rows.rebalance()).process(Count).uid('count').rebalance(),
    model: models.counts,
  },
  {
    name: 'timers',
    oracle: 'O17',
    build: (rows) => byKey(rows).process(Alarm).uid('alarms'),
    model: models.alarms,
    splits: 1,
    run: {},
  },
  {
    name: 'states',
    oracle: 'O2',
    build: (rows) => byKey(rows).process(Gather).uid('gather'),
    model: models.gathered,
  },
  {
    name: 'rolling',
    oracle: 'O2',
    build: (rows) =>
      byKey(rows.map((row) => ({ ...row, n: 1 })))
        .sum('n')
        .uid('sums')
        .map(({ key, n }) => `${key}#${n}`),
    model: models.counts,
    ordered: true,
  },
  {
    name: 'unchained',
    oracle: 'O2',
    ordered: true,
    run: { chaining: false },
    build: (rows) =>
      byKey(
        rows
          .map((row) => row)
          .uid('a')
          .filter(() => true)
          .uid('b'),
      )
        .process(Count)
        .uid('count'),
    model: models.counts,
  },
  {
    name: 'union',
    oracle: 'O2',
    build: (rows) =>
      byKey(rows.filter(({ n }) => n % 2 === 0).union(rows.filter(({ n }) => n % 2 === 1).rebalance()))
        .process(Count)
        .uid('count'),
    model: models.counts,
  },
  {
    name: 'operations',
    oracle: 'O2',
    splits: 1,
    build: (rows) => byKey(rows).process(Operations).uid('operations'),
    model: operations,
  },
  {
    name: 'expiring',
    oracle: 'O2',
    splits: 1,
    withoutKinds: CLOCKS,
    build: (rows) => byKey(rows).process(ExpiringOperations).uid('operations'),
    check: checkExpiring(TTL_MS),
  },
  {
    name: 'maps',
    oracle: 'O2',
    splits: 1,
    rows: listsAndMaps,
    build: (rows) => byKey(rows).process(Operations).uid('operations'),
    model: operations,
  },
  {
    name: 'expiringSoon',
    oracle: 'O2',
    splits: 1,
    rows: listsAndMaps,
    withoutKinds: CLOCKS,
    build: (rows) => byKey(rows).process(SoonExpiringOperations).uid('operations'),
    check: checkExpiring(SHORT_TTL_MS),
  },
  {
    name: 'ticks',
    oracle: 'O17',
    splits: 1,
    records: 60,
    pollRecordsMax: 2,
    pollMs: 10,
    // A process that has stood still finds rows and timers due at once, in no promised order.
    withoutKinds: [...CLOCKS, 'process.pause', 'process.stall'],
    build: (rows) => byKey(rows).process(Ticks).uid('ticks'),
    check: checkTicks,
  },
];
