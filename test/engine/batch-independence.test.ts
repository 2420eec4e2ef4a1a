// No result depends on how records are batched, polled or chained.
//
// A random line of operators is run with batches and polls of 1, 2, 7 and 256 records, chained and not. Every record also says
// which watermark its operator saw, so a watermark that comes a record too late or too early shows.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  count,
  type DataStream,
  type DeadLetter,
  deadLetter,
  defineJob,
  forEachSink,
  type KeyedContext,
  KeyedProcessFunction,
  monotonous,
  type ProcessContext,
  punctuated,
  type RunOptions,
  reducingState,
  session,
  sideOutput,
  silentLogger,
  sliding,
  sum,
  type TimerContext,
  tumbling,
  type WatermarkStrategy,
  withTimestamps,
} from '../../src/index.js';
import { virtualRuntime } from '../../src/testing/virtual-runtime.js';
import { finishJob, startJob } from './virtual-job.js';

interface Row {
  readonly k: number;
  readonly t: number;
  readonly n: number;
  readonly seen: string;
}

const late = sideOutput<Row>('late');
const odd = sideOutput<Row>('odd');

/** A watermark with every third record; the others carry none. */
const everyThird = punctuated((row: Row, time) => (row.n % 3 === 0 ? time - 2 : null));
const everyRecord = punctuated((_row: Row, time) => time);
const timed = (rows: DataStream<Row>, strategy: WatermarkStrategy<Row>) =>
  rows.assignTimestamps(({ t }) => t, strategy);

const seeing = (row: Row, watermark: number): Row => ({ ...row, seen: `${row.seen},${watermark}` });
const row = (k: number, t: number, n: number, seen: string): Row => ({ k, t, n, seen });

class Alarms extends KeyedProcessFunction<number, Row, Row> {
  private readonly total = reducingState<number>('total', { reduce: (a, b) => a + b });

  override onElement(value: Row, context: KeyedContext<number, Row>): void {
    this.total.add(value.n);
    context.timers.event(context.timestamp + 3);
    context.emit(seeing(value, context.currentWatermark));
  }

  override *onTimer(at: number, context: TimerContext<number, Row>): Generator<Row> {
    yield row(context.key, at, this.total.get() ?? 0, `timer ${context.currentWatermark}`);
    yield row(context.key, at, 1, 'and again');
  }
}

/** Sets timers and state before it fails, also in timers. */
class Failing extends Alarms {
  override onElement(value: Row, context: KeyedContext<number, Row>): void {
    super.onElement(value, context);
    if (value.n % 4 === 1) throw new Error('an element');
  }

  override *onTimer(at: number, context: TimerContext<number, Row>): Generator<Row> {
    yield* super.onTimer(at, context);
    if (at % 3 === 0) throw new Error('a timer');
  }
}

const bad = sideOutput<DeadLetter<Row>>('bad');
const letterRow = ({ operator, trigger, record, key, timestamp, window, error }: DeadLetter<Row>): Row =>
  row(
    Number(key ?? -1),
    timestamp ?? -1,
    record?.n ?? -1,
    JSON.stringify([operator, trigger, window, error]),
  );
const failing = punctuated((value: Row, time) => {
  if (value.n % 5 === 3) throw new Error('no watermark');
  return time;
});

type Line = (rows: DataStream<Row>, sinks: (name: string, rows: DataStream<Row>) => void) => DataStream<Row>;

const keyed = (rows: DataStream<Row>) => rows.keyBy(({ k }) => k);

/** Every operator of the public interface; those that need event time stand behind an assigner of their own. */
const OPERATORS: Readonly<Record<string, Line>> = {
  map: (rows) => rows.map((value) => ({ ...value, n: value.n + 1 })),
  filter: (rows) => rows.filter(({ n }) => n % 4 !== 0),
  'flatMap array': (rows) => rows.flatMap((value) => [value, { ...value, t: value.t - 4, n: value.n + 1 }]),
  'flatMap generator': (rows) =>
    rows.flatMap(function* (value) {
      for (const by of [6, 0, 9]) yield { ...value, t: value.t + by, n: value.n + by };
    }),
  process: (rows, sink) => {
    const made = rows.process({
      onElement(value: Row, context: ProcessContext<Row>) {
        if (value.n % 2 === 1) context.side(odd, value);
        context.emit(seeing(value, context.currentWatermark));
        context.emit({ ...value, t: value.t + 1 });
      },
    });
    sink('odd', made.getSideOutput(odd));
    return made;
  },
  'watermark of every third': (rows) => timed(rows, everyThird),
  'watermark of every record': (rows) => timed(rows, everyRecord),
  'watermark by the clock': (rows) => timed(rows, monotonous()),
  'keyed process': (rows) => keyed(timed(rows, everyThird)).process(Alarms),
  reduce: (rows) => keyed(rows).reduce((a, b) => ({ ...b, n: (a.n + b.n) % 101 })),
  rolling: (rows) => keyed(rows).max('n'),
  'two branches behind an assigner': (rows, sink) => {
    const both = timed(rows, everyThird);
    sink(
      'branch',
      keyed(both)
        .window(tumbling(4))
        .aggregate(count(), (k, window, n) => row(k, window.start, n, 'branch')),
    );
    return both
      .map((value) => ({ ...value, n: value.n * 2 }))
      .process({
        *onElement(value, context) {
          yield seeing(value, context.currentWatermark);
        },
      });
  },
  tumbling: (rows, sink) => {
    const windows = keyed(timed(rows, everyRecord)).window(tumbling(5)).sideOutputLateData(late);
    const made = windows.aggregate(
      sum((value: Row) => value.n),
      (k, window, n) => row(k, window.start, n, 'tumbling'),
    );
    sink('late', made.getSideOutput(late));
    return made;
  },
  sliding: (rows) =>
    keyed(timed(rows, everyThird))
      .window(sliding(6, 3))
      .allowedLateness(4)
      .reduce((a, b) => row(a.k, a.t, a.n + b.n, 'sliding')),
  'map with dead letters': (rows, sink) => {
    const made = rows
      .map((value) => {
        if (value.n % 5 === 1) throw new Error(`${value.n}`);
        return { ...value, n: value.n + 1 };
      })
      .onError(deadLetter(bad));
    sink('bad', made.getSideOutput(bad).map(letterRow));
    return made;
  },
  'flatMap that skips': (rows) =>
    rows
      .flatMap(function* (value) {
        yield value;
        if (value.n % 5 === 2) throw new Error('after one');
        yield { ...value, n: value.n + 3 };
      })
      .onError('skip'),
  'assigner that skips': (rows) =>
    timed(
      rows.map((v) => v),
      failing,
    ).onError('skip'),
  'keyed process with dead letters': (rows, sink) => {
    const made = keyed(timed(rows, everyThird)).process(Failing).onError(deadLetter(bad));
    sink('bad', made.getSideOutput(bad).map(letterRow));
    return made;
  },
  'session that skips': (rows, sink) => {
    const windows = keyed(timed(rows, everyThird))
      .window(session(3))
      .allowedLateness(3)
      .sideOutputLateData(late);
    const made = windows
      .process(function* (k, window, elements) {
        yield row(k, window.start, elements.length, 'begun');
        if (elements.some(({ n }) => n % 7 === 3)) throw new Error('no window');
        yield row(k, window.start, elements.length, elements.map(({ n }) => n).join(' '));
      })
      .onError(deadLetter(bad));
    sink('late', made.getSideOutput(late));
    sink('bad', made.getSideOutput(bad).map(letterRow));
    return made;
  },
  session: (rows, sink) => {
    const windows = keyed(timed(rows, everyThird)).window(session(3)).sideOutputLateData(late);
    const made = windows.process(function* (k, window, elements, context) {
      for (const each of elements) if (each.n % 2 === 1) context.side(odd, each);
      yield row(k, window.start, elements.length, elements.map(({ n }) => n).join(' '));
    });
    sink('late', made.getSideOutput(late));
    sink('odd', made.getSideOutput(odd));
    return made;
  },
};

async function resultsOf(
  input: readonly Row[],
  line: readonly string[],
  options: Pick<RunOptions, 'chaining' | 'tuning'>,
): Promise<Readonly<Record<string, readonly string[]>>> {
  const results: Record<string, string[]> = {};
  const job = defineJob('line', (env) => {
    const into = (name: string, rows: DataStream<Row>): void => {
      const list: string[] = [];
      results[name] = list;
      rows.sinkTo(forEachSink(({ k, t, n, seen }: Row) => void list.push(`${k} ${t} ${n} ${seen}`)));
    };
    let rows: DataStream<Row> = env.from(input, {
      watermarks: withTimestamps(({ t }: Row) => t, everyThird),
    });
    for (const [index, name] of line.entries()) {
      rows = (OPERATORS[name] as Line)(rows, (side, stream) => into(`${index} ${side}`, stream));
    }
    into('main', rows);
  });
  const runtime = virtualRuntime({ seed: 1 });
  await finishJob(runtime, await startJob(runtime, job, { logger: silentLogger, ...options }));
  return results;
}

const SIZES = [1, 2, 7, 256];
const rows = fc.array(fc.record({ k: fc.nat(2), t: fc.nat(40), n: fc.nat(20), seen: fc.constant('') }), {
  minLength: 1,
  maxLength: 30,
});
const line = fc.array(fc.constantFrom(...Object.keys(OPERATORS)), { minLength: 1, maxLength: 4 });

test('results and their order are the same in batches of any size, chained or not', async () => {
  await fc.assert(
    fc.asyncProperty(rows, line, async (input, names) => {
      const expected = await resultsOf(input, names, { tuning: { batchRecordsMax: 1, pollRecordsMax: 1 } });
      for (const chaining of [true, false]) {
        for (const size of SIZES) {
          const tuning = { batchRecordsMax: size, pollRecordsMax: size };
          expect(await resultsOf(input, names, { chaining, tuning })).toEqual(expected);
        }
      }
      const mixed = { batchRecordsMax: 256, pollRecordsMax: 7, channelCapacityElements: 2 };
      expect(await resultsOf(input, names, { tuning: mixed })).toEqual(expected);
    }),
    { numRuns: 60, seed: 7 },
  );
});

test.each(Object.keys(OPERATORS))('%s alone', async (name) => {
  const input = [3, 9, 1, 12, 7, 7, 30, 2, 31].map((t, n) => row(t % 2, t, n, ''));
  const expected = await resultsOf(input, [name], { tuning: { batchRecordsMax: 1, pollRecordsMax: 1 } });
  for (const size of SIZES) {
    const tuning = { batchRecordsMax: size, pollRecordsMax: size };
    expect(await resultsOf(input, [name], { tuning })).toEqual(expected);
    expect(await resultsOf(input, [name], { tuning, chaining: false })).toEqual(expected);
  }
});
