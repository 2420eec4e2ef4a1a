// Shapes with windows.
//
// Owns:    that part of the list.
// Not:     what a shape is (shape.ts), the whole list (shapes.ts).

import {
  count,
  type ProcessContext,
  punctuated,
  session,
  sideOutput,
  sliding,
  sum,
  tumbling,
} from '../../src/index.js';
import * as models from './models.js';
import * as lateModels from './models-late.js';
import type { Row } from './rows.js';
import type { Shape } from './shape.js';
import { byKey, Count, windowText } from './shape-functions.js';

const late = sideOutput<Row>('late');

/** A watermark behind every row: which rows are late then depends on nothing but the rows. */
export const behindEveryRow: Pick<Shape, 'splits' | 'rows' | 'watermarks'> = {
  splits: 1,
  rows: models.everyNinthLate,
  watermarks: punctuated((_row, timestamp) => timestamp - 1),
};

const lateText = ({ id }: Row): string => `late ${id}`;

export const WINDOW_SHAPES: readonly Shape[] = [
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
    name: 'late',
    oracle: 'O13',
    splits: 1,
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
    name: 'windowProcess',
    oracle: 'O17',
    splits: 1,
    // A generator: it is suspended in the middle of a window when there is no room.
    build: (rows) =>
      byKey(rows)
        .window(tumbling(models.WINDOW_MS))
        .process(function* (key, window, elements) {
          yield `${key} ${window.start}: ${elements.map(({ id }) => id).join(' ')}`;
          for (const [place, { id }] of elements.entries()) yield `${key} ${window.start} ${place} ${id}`;
        })
        .uid('windows'),
    model: lateModels.processed,
  },
  {
    name: 'windowReduce',
    oracle: 'O17',
    splits: 1,
    build: (rows) =>
      byKey(rows)
        .window(sliding(models.WINDOW_MS, models.SLIDE_MS))
        .reduce(
          (a, b) => ({ ...b, n: lateModels.folded(a.n, b.n) }),
          (key, window, { id, n }) => `reduced ${key} ${window.start}: ${id} ${n}`,
        )
        .uid('windows'),
    model: lateModels.reduced,
  },
  {
    name: 'sessionReduce',
    oracle: 'O17',
    splits: 1,
    build: (rows) =>
      byKey(rows)
        .window(session(models.GAP_MS))
        .reduce(
          (a, b) => ({ ...b, n: lateModels.folded(a.n, b.n) }),
          (key, window, { id, n }) => `session ${key} ${window.start}-${window.end}: ${id} ${n}`,
        )
        .uid('windows'),
    model: lateModels.reducedSessions,
  },
  {
    name: 'lateProcess',
    oracle: 'O13',
    ...behindEveryRow,
    build: (rows) => {
      const windows = byKey(rows)
        .window(tumbling(models.WINDOW_MS))
        .allowedLateness(models.LATENESS_MS)
        .sideOutputLateData(late)
        .process((key, window, elements, context: ProcessContext<string>) => {
          context.emit(`fired ${key} ${window.start}: ${elements.map(({ id }) => id).join(' ')}`);
        })
        .uid('windows');
      return windows.union(windows.getSideOutput(late).map(lateText).rebalance());
    },
    model: lateModels.lateProcessed,
  },
  {
    name: 'lateSliding',
    oracle: 'O13',
    ...behindEveryRow,
    build: (rows) => {
      const windows = byKey(rows)
        .window(sliding(models.WINDOW_MS, models.SLIDE_MS))
        .allowedLateness(models.LATENESS_MS)
        .sideOutputLateData(late)
        .aggregate(count(), windowText('fired'))
        .uid('windows');
      return windows.union(windows.getSideOutput(late).rebalance().map(lateText));
    },
    model: lateModels.lateSliding,
  },
  {
    name: 'lateSession',
    oracle: 'O13',
    ...behindEveryRow,
    build: (rows) => {
      const windows = byKey(rows)
        .window(session(models.GAP_MS))
        .allowedLateness(models.LATENESS_MS)
        .sideOutputLateData(late)
        .aggregate(
          sum(({ n }) => n),
          windowText('fired'),
        )
        .uid('windows');
      return windows.union(windows.getSideOutput(late).rebalance().map(lateText));
    },
    model: lateModels.lateSessions,
  },
];
