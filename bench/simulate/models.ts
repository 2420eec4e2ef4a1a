// What the results of each shape are, by loops over its records.
//
// M1. Nothing of the engine is used here.

import type { Row } from './rows.js';

export const WINDOW_MS = 100;
export const SLIDE_MS = 50;
/** A multiple of the step between rows: some sessions touch to the millisecond. */
export const GAP_MS = 63;
export const ALARM_MS = 90;
export const LATENESS_MS = 50;
/** Rows come every 7 ms, and the window of 200 to 300 is kept for 50 ms. */
const LATE_BY_NOTHING = 51;

export type Model = (rows: readonly Row[]) => readonly string[];

export const ids: Model = (rows) => rows.map(({ id }) => `id ${id}`);
export const copies =
  (times: number): Model =>
  (rows) =>
    rows.flatMap(({ id }) => Array.from({ length: times }, () => `id ${id}`));
export const chain: Model = (rows) =>
  rows.filter(({ n }) => n % 5 > 0).flatMap(({ id }) => [`id ${id}`, `id ${id} again`]);
export const sides: Model = (rows) => rows.map(({ id }) => (id % 2 === 1 ? `odd ${id}` : `id ${id}`));

/** Counts by key, counts of every third row by another key, and the odd rows. */
export const sideStreams: Model = (rows) => {
  const thirds = rows.filter(({ id }) => id % 3 === 0).map((row) => ({ ...row, key: row.n % 11 }));
  return [
    ...counts(rows),
    ...counts(thirds).map((count) => `third ${count}`),
    ...rows.flatMap(({ id }) => (id % 2 === 1 ? [`odd ${id}`] : [])),
  ];
};

export const understood: Model = (rows) => rows.map(({ id, n }) => (n < 0 ? `rejected ${id}` : `id ${id}`));

export const counts: Model = (rows) => {
  const seen = new Map<number, number>();
  return rows.map(({ key }) => {
    const n = (seen.get(key) ?? 0) + 1;
    seen.set(key, n);
    return `${key}#${n}`;
  });
};

export const tumbling: Model = (rows) =>
  windows(
    'tumbling',
    rows,
    (at) => [at - (at % WINDOW_MS)],
    WINDOW_MS,
    () => 1,
  );
export const sums: Model = (rows) =>
  windows(
    'sums',
    rows,
    (at) => [at - (at % WINDOW_MS)],
    WINDOW_MS,
    ({ n }) => n,
  );
export const sliding: Model = (rows) => {
  const starts = (at: number): number[] => {
    const newest = at - (at % SLIDE_MS);
    return Array.from({ length: WINDOW_MS / SLIDE_MS }, (_, index) => newest - index * SLIDE_MS);
  };
  return windows('sliding', rows, starts, WINDOW_MS, () => 1);
};
export const diamond: Model = (rows) => [...counts(rows), ...tumbling(rows)];

export const windowOfWindows: Model = (rows) => {
  const totals = new Map<number, number>();
  for (const { at } of rows) {
    const start = at - (at % (2 * WINDOW_MS));
    totals.set(start, (totals.get(start) ?? 0) + 1);
  }
  return [...totals].map(([start, n]) => `outer 0 ${start}-${start + 2 * WINDOW_MS}: ${n}`);
};

/** Some rows come long after their time, some a little. */
export function everyNinthLate(rows: readonly Row[]): readonly Row[] {
  return rows.map((row) => {
    // Late by nothing: its window goes at 349, which is the watermark behind the row before it.
    if (row.id === LATE_BY_NOTHING) return { ...row, at: 250 };
    if (row.id % 18 === 8) return { ...row, at: Math.max(0, row.at - 180) };
    return row.id % 18 === 17 ? { ...row, at: Math.max(0, row.at - 60) } : row;
  });
}

/** Every firing of every window, and every row that came too late, with a watermark right behind each row. */
export const lateRows: Model = (rows) => {
  const results: string[] = [];
  const windowsOf = new Map<string, { key: number; start: number; n: number; fired: boolean }>();
  let watermark = Number.NEGATIVE_INFINITY;
  const fire = (window: { key: number; start: number; n: number; fired: boolean }): void => {
    window.fired = true;
    results.push(`fired ${window.key} ${window.start}-${window.start + WINDOW_MS}: ${window.n}`);
  };
  for (const { id, key, at } of rows) {
    const start = at - (at % WINDOW_MS);
    const last = start + WINDOW_MS - 1;
    if (last + LATENESS_MS <= watermark) {
      results.push(`late ${id}`);
    } else {
      const window = windowsOf.get(`${key} ${start}`) ?? { key, start, n: 0, fired: false };
      windowsOf.set(`${key} ${start}`, window);
      window.n += 1;
      if (last <= watermark) fire(window);
    }
    watermark = Math.max(watermark, at - 1);
    for (const window of windowsOf.values()) {
      if (!window.fired && window.start + WINDOW_MS - 1 <= watermark) fire(window);
    }
  }
  for (const window of windowsOf.values()) if (!window.fired) fire(window);
  return results;
};

export const session: Model = (rows) =>
  perKey(rows).flatMap(([key, of]) => {
    const sessions: { start: number; end: number; n: number }[] = [];
    for (const { at } of of) {
      const open = sessions.at(-1);
      if (open === undefined || at > open.end) sessions.push({ start: at, end: at + GAP_MS, n: 1 });
      else Object.assign(open, { end: at + GAP_MS, n: open.n + 1 });
    }
    return sessions.map(({ start, end, n }) => `session ${key} ${start}-${end}: ${n}`);
  });

export const alarms: Model = (rows) =>
  perKey(rows).flatMap(([key, of]) =>
    of
      .filter(({ at }, index) => (of[index + 1]?.at ?? Number.POSITIVE_INFINITY) >= at + ALARM_MS)
      .map(({ at }) => `alarm ${key} ${at + ALARM_MS}`),
  );

export const gathered: Model = (rows) =>
  perKey(rows).map(([key, of]) => {
    const byN = new Map<number, number>();
    for (const { n } of of) byN.set(n % 3, (byN.get(n % 3) ?? 0) + 1);
    const counted = [...byN].sort(([a], [b]) => a - b);
    const total = of.reduce((sum, { n }) => sum + n, 0);
    return `gathered ${key}: ${of.map(({ id }) => id).join(' ')} / ${counted.join(' ')} / ${total}`;
  });

function windows(
  name: string,
  rows: readonly Row[],
  startsOf: (at: number) => readonly number[],
  sizeMs: number,
  amountOf: (row: Row) => number,
): string[] {
  const totals = new Map<string, number>();
  for (const row of rows) {
    for (const start of startsOf(row.at)) {
      const window = `${name} ${row.key} ${start}-${start + sizeMs}`;
      totals.set(window, (totals.get(window) ?? 0) + amountOf(row));
    }
  }
  return [...totals].map(([window, total]) => `${window}: ${total}`);
}

export function perKey(rows: readonly Row[]): [number, Row[]][] {
  const keys = new Map<number, Row[]>();
  for (const row of rows) keys.set(row.key, [...(keys.get(row.key) ?? []), row]);
  return [...keys];
}
