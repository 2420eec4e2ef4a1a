// Shapes without state: how records are spread, and where they leave.
//
// Owns:    that part of the list.
// Not:     what a shape is (shape.ts), the whole list (shapes.ts).

import { type ProcessContext, ProcessFunction, sideOutput } from '../../src/index.js';
import * as models from './models.js';
import type { Row } from './rows.js';
import type { Shape } from './shape.js';
import { byKey, Count, text } from './shape-functions.js';

const odd = sideOutput<string>('odd');
const rejected = sideOutput<string>('rejected');
const thirds = sideOutput<Row>('thirds');

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

/** Each record leaves by the main output, some by side outputs as well. */
class Copies extends ProcessFunction<Row, Row> {
  override onElement(row: Row, context: ProcessContext<Row>): void {
    if (row.id % 3 === 0) context.side(thirds, row);
    if (row.id % 2 === 1) context.side(odd, `odd ${row.id}`);
    context.emit(row);
  }
}

export const STREAM_SHAPES: readonly Shape[] = [
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
    name: 'broadcast',
    oracle: 'O17',
    run: { parallelism: 2 },
    build: (rows) => rows.broadcast().map(text).setParallelism(2).uid('copies'),
    model: models.copies(2),
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
    name: 'slowPolls',
    oracle: 'O1',
    // Triggers, credits and timers come while the answer of the source is under way.
    pollMs: 6,
    build: (rows) => rows.rebalance().map(text),
    model: models.ids,
  },
  {
    name: 'sideStreams',
    oracle: 'O2',
    // Three ways out of one operator, each to other subtasks: a barrier has to go by all of them, behind their records.
    build: (rows) => {
      const main = rows.process(Copies).uid('copies');
      const third = main.getSideOutput(thirds).keyBy(({ n }) => n % 11);
      return byKey(main)
        .process(Count)
        .uid('count')
        .union(
          third
            .process(Count)
            .uid('thirds')
            .map((count) => `third ${count}`)
            .rebalance(),
          main.getSideOutput(odd).shuffle(),
        );
    },
    model: models.sideStreams,
  },
  {
    name: 'atLeastOnce',
    oracle: 'O1',
    repeats: 'same',
    run: { checkpoint: { mode: 'atLeastOnce' } },
    build: (rows) => rows.rebalance().map(text).uid('a').shuffle(),
    model: models.ids,
  },
  {
    name: 'atLeastOnceCount',
    oracle: 'O1',
    repeats: 'more',
    run: { checkpoint: { mode: 'atLeastOnce' } },
    build: (rows) => byKey(rows.rebalance()).process(Count).uid('count'),
    model: models.counts,
  },
];
