// Shapes with records that make a function throw, and go on without them.
//
// Owns:    that part of the list.
// Not:     what a shape is (shape.ts), the whole list (shapes.ts).

import {
  type AggregateFunction,
  type DeadLetter,
  deadLetter,
  type KeyedContext,
  session,
  sideOutput,
  sliding,
  valueState,
} from '../../src/index.js';
import * as models from './models.js';
import { AT_END, operations } from './models-state.js';
import type { Row } from './rows.js';
import type { Shape } from './shape.js';
import { byKey, windowText } from './shape-functions.js';
import { Operations } from './state-operations.js';

const letters = sideOutput<DeadLetter<Row>>('letters');
const letterText = ({ record }: DeadLetter<Row>): string => `letter ${record?.id}`;
const fails = ({ id }: Row): boolean => id % 4 === 1;

/** The rows that do not fail, and a letter for each that does. */
const without =
  (model: models.Model): models.Model =>
  (rows) => [
    ...model(rows.filter((row) => !fails(row))),
    ...rows.filter(fails).map(({ id }) => `letter ${id}`),
  ];

const tallyText = ({ id }: Row, tally: ReadonlyMap<number, number>): string =>
  `tally ${id}: ${[0, 1, 2].map((n) => tally.get(n) ?? 0).join(' ')}`;

const tallies: models.Model = (rows) =>
  models.perKey(rows).flatMap(([, of]) => {
    const tally = new Map<number, number>();
    return of.map((row) => {
      tally.set(row.n % 3, (tally.get(row.n % 3) ?? 0) + 1);
      return tallyText(row, tally);
    });
  });

/** Does all that a row does, and more, before it fails. */
class FailingOperations extends Operations {
  private readonly tally = valueState<Map<number, number>>('tally');

  override onElement(row: Row, context: KeyedContext<number, string>): void {
    super.onElement(row, context);
    // In place, and put back.
    const tally = this.tally.get() ?? new Map<number, number>();
    tally.set(row.n % 3, (tally.get(row.n % 3) ?? 0) + 1);
    this.tally.set(tally);
    context.emit(tallyText(row, tally));
    if (!fails(row)) return;
    super.onElement({ ...row, n: row.n + 3 }, context);
    context.timers.deleteEvent(AT_END);
    context.timers.event(context.timestamp + 1);
    throw new RangeError(`row ${row.id}`);
  }
}

/** Counts in place, and has counted before it fails. */
const failingCount: AggregateFunction<Row, { n: number }, number> = {
  name: 'failing count',
  createAccumulator: () => ({ n: 0 }),
  add(held, row) {
    held.n += 1;
    if (fails(row)) throw new RangeError(`row ${row.id}`);
    return held;
  },
  getResult: ({ n }) => n,
  merge: (left, right) => ({ n: left.n + right.n }),
};

export const POISON_SHAPES: readonly Shape[] = [
  {
    name: 'takenBack',
    oracle: 'O2',
    splits: 1,
    build: (rows) => {
      const made = byKey(rows).process(FailingOperations).uid('operations').onError(deadLetter(letters));
      return made.union(made.getSideOutput(letters).map(letterText));
    },
    model: without((rows) => [...operations(rows), ...tallies(rows)]),
  },
  {
    name: 'takenOutOfWindows',
    oracle: 'O2',
    splits: 1,
    build: (rows) => {
      const made = byKey(rows)
        .window(sliding(models.WINDOW_MS, models.SLIDE_MS))
        .aggregate(failingCount, windowText('sliding'))
        .uid('windows')
        .onError(deadLetter(letters));
      return made.union(made.getSideOutput(letters).map(letterText));
    },
    model: without(models.sliding),
  },
  {
    name: 'takenOutOfSessions',
    oracle: 'O2',
    splits: 1,
    build: (rows) => {
      const made = byKey(rows)
        .window(session(models.GAP_MS))
        .aggregate(failingCount, windowText('session'))
        .uid('windows')
        .onError(deadLetter(letters));
      return made.union(made.getSideOutput(letters).map(letterText));
    },
    model: without(models.session),
  },
];
