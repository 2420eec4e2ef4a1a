// What windows hold and when they fire, row by row, with a watermark right behind each row; and what order within a window means.
//
// M1. Nothing of the engine is used here.

import { GAP_MS, LATENESS_MS, type Model, perKey, SLIDE_MS, WINDOW_MS } from './models.js';
import type { Row } from './rows.js';

/** Depends on the order of its arguments, and of all before them. */
export function folded(a: number, b: number): number {
  return (a * 31 + b * 7 + 1) % 99_991;
}

interface Pane {
  readonly key: number;
  readonly start: number;
  readonly rows: Row[];
  fired: boolean;
}

const starts =
  (sizeMs: number, slideMs: number) =>
  (at: number): number[] => {
    const newest = at - (at % slideMs);
    return Array.from({ length: sizeMs / slideMs }, (_, index) => newest - index * slideMs);
  };

const panes = (rows: readonly Row[], startsOf: (at: number) => readonly number[]): Pane[] => {
  const found = new Map<string, Pane>();
  for (const row of rows) {
    for (const start of startsOf(row.at)) {
      const pane = found.get(`${row.key} ${start}`) ?? { key: row.key, start, rows: [], fired: true };
      found.set(`${row.key} ${start}`, pane);
      pane.rows.push(row);
    }
  }
  return [...found.values()];
};

export const processed: Model = (rows) =>
  panes(rows, starts(WINDOW_MS, WINDOW_MS)).flatMap(({ key, start, rows: of }) => [
    `${key} ${start}: ${of.map(({ id }) => id).join(' ')}`,
    ...of.map(({ id }, place) => `${key} ${start} ${place} ${id}`),
  ]);

export const reduced: Model = (rows) =>
  panes(rows, starts(WINDOW_MS, SLIDE_MS)).map(
    ({ key, start, rows: of }) => `reduced ${key} ${start}: ${of.at(-1)?.id} ${foldedRows(of)}`,
  );

function foldedRows(rows: readonly Row[]): number {
  return rows.slice(1).reduce((sum, { n }) => folded(sum, n), rows[0]?.n ?? 0);
}

export const reducedSessions: Model = (rows) =>
  perKey(rows).flatMap(([key, of]) => {
    const sessions: Row[][] = [];
    for (const row of of) {
      const open = sessions.at(-1);
      if (open === undefined || row.at > (open.at(-1)?.at ?? 0) + GAP_MS) sessions.push([row]);
      else open.push(row);
    }
    return sessions.map((session) => {
      const end = (session.at(-1)?.at ?? 0) + GAP_MS;
      return `session ${key} ${session[0]?.at}-${end}: ${session.at(-1)?.id} ${foldedRows(session)}`;
    });
  });

/** Every firing of every window, and every row that came too late for all of its windows. */
const lateWindows =
  (startsOf: (at: number) => readonly number[], fired: (pane: Pane) => string): Model =>
  (rows) => {
    const results: string[] = [];
    const open = new Map<string, Pane>();
    let watermark = Number.NEGATIVE_INFINITY;
    const last = (start: number): number => start + WINDOW_MS - 1;
    const fire = (pane: Pane): void => {
      pane.fired = true;
      results.push(fired(pane));
    };
    for (const row of rows) {
      const live = startsOf(row.at).filter((start) => last(start) + LATENESS_MS > watermark);
      if (live.length === 0) results.push(`late ${row.id}`);
      for (const start of live) {
        const pane = open.get(`${row.key} ${start}`) ?? { key: row.key, start, rows: [], fired: false };
        open.set(`${row.key} ${start}`, pane);
        pane.rows.push(row);
        if (last(start) <= watermark) fire(pane);
      }
      watermark = Math.max(watermark, row.at - 1);
      for (const pane of open.values()) if (!pane.fired && last(pane.start) <= watermark) fire(pane);
    }
    for (const pane of open.values()) if (!pane.fired) fire(pane);
    return results;
  };

export const lateProcessed: Model = lateWindows(
  starts(WINDOW_MS, WINDOW_MS),
  ({ key, start, rows }) => `fired ${key} ${start}: ${rows.map(({ id }) => id).join(' ')}`,
);

export const lateSliding: Model = lateWindows(
  starts(WINDOW_MS, SLIDE_MS),
  ({ key, start, rows }) => `fired ${key} ${start}-${start + WINDOW_MS}: ${rows.length}`,
);

interface Session {
  start: number;
  end: number;
  sum: number;
  fired: boolean;
}

/** A late row that touches a session which is still there joins it, and it fires again. */
export const lateSessions: Model = (rows) => {
  const results: string[] = [];
  const sessions = new Map<number, Session[]>();
  let watermark = Number.NEGATIVE_INFINITY;
  const fire = (key: number, session: Session): void => {
    session.fired = true;
    results.push(`fired ${key} ${session.start}-${session.end}: ${session.sum}`);
  };
  for (const { id, key, at, n } of rows) {
    const of = sessions.get(key) ?? [];
    const end = at + GAP_MS;
    const touching = of.filter((each) => each.start <= end && at <= each.end);
    if (touching.length === 0 && end - 1 + LATENESS_MS <= watermark) {
      results.push(`late ${id}`);
    } else {
      const joined: Session = {
        start: Math.min(at, ...touching.map(({ start }) => start)),
        end: Math.max(end, ...touching.map((each) => each.end)),
        sum: touching.reduce((sum, each) => sum + each.sum, n),
        fired: false,
      };
      sessions.set(key, [...of.filter((each) => !touching.includes(each)), joined]);
      if (joined.end - 1 <= watermark) fire(key, joined);
    }
    watermark = Math.max(watermark, at - 1);
    for (const [each, list] of sessions) {
      for (const session of list) if (!session.fired && session.end - 1 <= watermark) fire(each, session);
      sessions.set(
        each,
        list.filter((session) => session.end - 1 + LATENESS_MS > watermark),
      );
    }
  }
  for (const [key, list] of sessions) for (const session of list) if (!session.fired) fire(key, session);
  return results;
};
