// The shapes of jobs that the simulation of the engine runs: a new operator joins with one line.
//
// Owns:    the list.
// Not:     what a shape is (shape.ts).

import {
  count,
  type DataStream,
  type KeyedContext,
  KeyedProcessFunction,
  listState,
  mapState,
  type ProcessContext,
  ProcessFunction,
  punctuated,
  reducingState,
  session,
  sideOutput,
  sliding,
  sum,
  type TimerContext,
  tumbling,
  valueState,
} from '../../src/index.js';
import * as models from './models.js';
import { assertUnique, type Row, type Shape } from './shape.js';

const text = ({ id }: Row): string => `id ${id}`;
const odd = sideOutput<string>('odd');
const late = sideOutput<Row>('late');

class Count extends KeyedProcessFunction<number, Row, string> {
  private readonly seen = valueState<number>('seen');

  override onElement(_row: Row, context: KeyedContext<number, string>): void {
    const n = (this.seen.get() ?? 0) + 1;
    this.seen.set(n);
    context.emit(`${context.key}#${n}`);
  }
}

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

const rejected = sideOutput<string>('rejected');

/** Sorts out what it cannot understand, with the reason. */
class Understood extends ProcessFunction<Row, string> {
  override onElement(row: Row, context: ProcessContext<string>): void {
    if (row.n < 0) context.side(rejected, `rejected ${row.id}`);
    else context.emit(text(row));
  }
}

class Sides extends ProcessFunction<Row, string> {
  override onElement(row: Row, context: ProcessContext<string>): void {
    if (row.id % 2 === 1) context.side(odd, `odd ${row.id}`);
    else context.emit(text(row));
  }
}

const byKey = (rows: DataStream<Row>) => rows.keyBy(({ key }) => key);
const windowText =
  (name: string) =>
  (key: number, window: { readonly start: number; readonly end: number }, n: number): string =>
    `${name} ${key} ${window.start}-${window.end}: ${n}`;

export const SHAPES: readonly Shape[] = assertUnique([
  {
    name: 'chain',
    oracle: 'O1',
    build: (rows) =>
      rows
        .map((row) => row)
        .filter(({ n }) => n % 5 > 0)
        .flatMap((row) => [text(row), `${text(row)} again`]),
    model: models.chain,
  },
  { name: 'shuffle', oracle: 'O1', build: (rows) => rows.rebalance().map(text).shuffle(), model: models.ids },
  {
    name: 'partitioners',
    oracle: 'O1',
    build: (rows) =>
      rows
        .rescale()
        .map((row) => row)
        .uid('a')
        .partitionCustom(
          ({ key }) => key,
          (key, channels) => key % channels,
        )
        .map(text)
        .uid('b')
        .global(),
    model: models.ids,
  },
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
    name: 'union',
    oracle: 'O2',
    build: (rows) =>
      byKey(rows.filter(({ n }) => n % 2 === 0).union(rows.filter(({ n }) => n % 2 === 1).rebalance()))
        .process(Count)
        .uid('count'),
    model: models.counts,
  },
  {
    name: 'broadcast',
    oracle: 'O17',
    run: { parallelism: 2 },
    build: (rows) => rows.broadcast().map(text).setParallelism(2).uid('copies'),
    model: models.copies(2),
  },
  {
    name: 'tumbling',
    oracle: 'O17',
    build: (rows) =>
      byKey(rows)
        .window(tumbling(models.WINDOW_MS))
        .aggregate(count(), windowText('tumbling'))
        .uid('windows'),
    model: models.tumbling,
  },
  {
    name: 'sliding',
    oracle: 'O17',
    build: (rows) =>
      byKey(rows)
        .window(sliding(models.WINDOW_MS, models.SLIDE_MS))
        .aggregate(count(), windowText('sliding'))
        .uid('windows'),
    model: models.sliding,
  },
  {
    name: 'session',
    oracle: 'O17',
    build: (rows) =>
      byKey(rows).window(session(models.GAP_MS)).aggregate(count(), windowText('session')).uid('windows'),
    model: models.session,
  },
  {
    name: 'lateness',
    oracle: 'O17',
    build: (rows) =>
      byKey(rows)
        .window(tumbling(models.WINDOW_MS))
        .allowedLateness(50)
        .sideOutputLateData(late)
        .aggregate(
          sum((row) => row.n),
          windowText('sums'),
        )
        .uid('windows'),
    model: models.sums,
  },
  {
    name: 'windowOfWindows',
    oracle: 'O17',
    build: (rows) =>
      byKey(rows)
        .window(tumbling(models.WINDOW_MS))
        .aggregate(count(), (key, window, n) => ({ id: 0, key, at: window.start, n }))
        .uid('inner')
        .keyBy(() => 0)
        .window(tumbling(2 * models.WINDOW_MS))
        .aggregate(
          sum((row) => row.n),
          windowText('outer'),
        )
        .uid('outer'),
    model: models.windowOfWindows,
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
    name: 'sideOutputs',
    oracle: 'O1',
    build: (rows) => {
      const main = rows.process(Sides).uid('sides');
      return main.union(main.getSideOutput(odd).rebalance());
    },
    model: models.sides,
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
    name: 'diamond',
    oracle: 'O17',
    build: (rows) => {
      const left = byKey(rows).process(Count).uid('count');
      const right = byKey(rows)
        .window(tumbling(models.WINDOW_MS))
        .aggregate(count(), windowText('tumbling'))
        .uid('windows');
      return left.union(right.rebalance());
    },
    model: models.diamond,
  },
  {
    name: 'poisoned',
    oracle: 'O1',
    // Rows come late, twice, or make no sense: each of them leaves by one door, once for each time it came.
    extraKinds: ['record.poison', 'record.repeat', 'record.late'],
    poison: (row) => ({ ...row, n: -1 }),
    build: (rows) => {
      const understood = rows.process(Understood).uid('understood');
      return understood.union(understood.getSideOutput(rejected).rebalance());
    },
    model: models.understood,
  },
  {
    name: 'late',
    oracle: 'O13',
    splits: 1,
    pollRecordsMax: 1,
    rows: models.everyNinthLate,
    // A watermark behind every row: which rows are late then depends on nothing but the rows.
    watermarks: punctuated((_row, timestamp) => timestamp - 1),
    build: (rows) => {
      const counts = byKey(rows)
        .window(tumbling(models.WINDOW_MS))
        .allowedLateness(models.LATENESS_MS)
        .sideOutputLateData(late)
        .aggregate(count(), windowText('fired'))
        .uid('windows');
      return counts.union(counts.getSideOutput(late).map(({ id }) => `late ${id}`));
    },
    model: models.lateRows,
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
    name: 'slowPolls',
    oracle: 'O1',
    // Triggers, credits and timers come while the answer of the source is under way.
    pollMs: 6,
    build: (rows) => rows.rebalance().map(text),
    model: models.ids,
  },
]);
