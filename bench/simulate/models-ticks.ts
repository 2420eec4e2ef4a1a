// What must be true of timers of processing time, whenever they ring.
//
// M1. Nothing of the engine is used here.
// M2. When a timer rings depends on the run. That it was set, that it rings once, not early, in order, and before the key goes
//     on for long without it, does not.

import { perKey } from './models.js';
import type { Row } from './rows.js';

/** A key that handles a row so long after a timer was due has lost it; late rows and late timers wait for the same turn. */
const OVERDUE_MS = 400;

export function checkTicks(
  rows: readonly Row[],
  results: readonly string[],
  finished: boolean,
): readonly string[] {
  const wrong: string[] = [];
  const expected = new Map(perKey(rows).map(([key, of]) => [key, of.map(({ id }) => id)]));
  const keys = new Map<number, Timers>();
  for (const text of results) {
    const key = Number(text.slice(0, text.indexOf('|')));
    const timers = keys.get(key) ?? new Timers(expected.get(key) ?? []);
    keys.set(key, timers);
    const problem = timers.take(text);
    if (problem !== null) wrong.push(problem);
  }
  if (!finished) return wrong;
  for (const [key, ids] of expected) {
    const taken = keys.get(key)?.taken ?? 0;
    if (taken < ids.length) wrong.push(`row ${ids[taken]} of key ${key} is lost`);
  }
  return wrong;
}

class Timers {
  taken = 0;
  private readonly ids: readonly number[];
  private readonly pending = new Set<number>();

  constructor(ids: readonly number[]) {
    this.ids = ids;
  }

  take(text: string): string | null {
    const ring = /ring (\d+)@(\d+)/.exec(text);
    return ring === null ? this.set(text) : this.ring(text, Number(ring[1]), Number(ring[2]));
  }

  private set(text: string): string | null {
    const [, id, now, without, due] = /set (\d+)@(\d+)(?: without (\d+))? for (\d+)/.exec(text) ?? [];
    const wanted = this.ids[this.taken];
    this.taken += 1;
    if (Number(id) !== wanted) return `${text}, and not row ${wanted}`;
    const overdue = [...this.pending].filter((each) => each + OVERDUE_MS < Number(now));
    if (without !== undefined) this.pending.delete(Number(without));
    this.pending.add(Number(due));
    return overdue.length === 0 ? null : `${text}, and ${overdue.join(', ')} has not rung`;
  }

  private ring(text: string, due: number, now: number): string | null {
    if (now < due) return `${text} is early`;
    if (!this.pending.delete(due)) return `${text} was not set, or has rung before`;
    const earlier = [...this.pending].filter((each) => each < due);
    return earlier.length === 0 ? null : `${text} comes before ${earlier.join(', ')}`;
  }
}
