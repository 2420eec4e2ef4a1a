// Into which windows a record falls.
//
// Owns:    tumbling, sliding and session windows as descriptions; where aligned windows start.
// Not:     keeping, merging and firing them (aligned-window-operator.ts, session-window-operator.ts).
//
// W1. A window is [start, end): its last timestamp is end - 1.
// W2. Starts are right for negative times and any offset: the remainder is never negative (semantics 3.1).
// W3. No window reaches beyond the times that there are: the last one ends at MAX_TIMESTAMP, which no record carries, so that it
//     fires like any other when the input ends.

import { ConfigError } from '../../base/errors.js';
import { floorMod, MAX_TIMESTAMP } from '../../base/timestamps.js';
import type { Window } from '../../state/window-table.js';

/** From `start` up to and without `end`, milliseconds since 1970. */
export type TimeWindow = Window;

/** Windows whose bounds do not depend on the records. Tumbling ones have a slide of their size. */
export interface AlignedWindows {
  readonly kind: 'aligned';
  readonly sizeMs: number;
  readonly slideMs: number;
  readonly offsetMs: number;
}

/** Windows that end when no record came for the gap. */
export interface SessionWindows<in T> {
  readonly kind: 'session';
  readonly gapMs: number | ((value: T) => number);
}

export type WindowAssigner<T> = AlignedWindows | SessionWindows<T>;

export interface AlignedOptions {
  /** Shifts the bounds, for example by a time zone: hours(-8). Less than the size, or the slide, either way. Default 0. */
  readonly offsetMs?: number;
}

/** Windows of one size side by side: each record is in one. */
export function tumbling(sizeMs: number, options: AlignedOptions = {}): AlignedWindows {
  return aligned('tumbling', sizeMs, sizeMs, options.offsetMs ?? 0);
}

/**
 * A window of `sizeMs` begins every `slideMs`: each record is in size / slide of them. A slide above the size leaves gaps;
 * records in a gap are in no window.
 */
export function sliding(sizeMs: number, slideMs: number, options: AlignedOptions = {}): AlignedWindows {
  return aligned('sliding', sizeMs, slideMs, options.offsetMs ?? 0);
}

/** Records of a key at most `gap` apart are one session. A function answers the gap per record, above 0. */
export function session<T = unknown>(gap: number | ((value: T) => number)): SessionWindows<T> {
  if (typeof gap === 'number') checkLength('session', 'gap', gap);
  return { kind: 'session', gapMs: gap };
}

/** The start of the last aligned window that contains `timestamp`, if the windows do not leave gaps. */
export function windowStart(timestamp: number, offsetMs: number, slideMs: number): number {
  // Two remainders, because the difference of a time and an offset may be no whole number that a double can hold.
  const shifted = offsetMs === 0 ? timestamp : floorMod(timestamp, slideMs) - floorMod(offsetMs, slideMs);
  return timestamp - floorMod(shifted, slideMs);
}

/** The end of a window of this length (W3). */
export function windowEnd(start: number, lengthMs: number): number {
  return Math.min(start + lengthMs, MAX_TIMESTAMP);
}

function aligned(kind: string, sizeMs: number, slideMs: number, offsetMs: number): AlignedWindows {
  checkLength(kind, 'size', sizeMs);
  checkLength(kind, 'slide', slideMs);
  if (!(Number.isInteger(offsetMs) && Math.abs(offsetMs) < slideMs)) {
    const most = kind === 'tumbling' ? 'size' : 'slide';
    throw new ConfigError(
      `Expected ${kind} windows with an offset of less than the ${most} (${slideMs} ms), got ${offsetMs}.`,
      {
        remedy: `Take the offset modulo the ${most}.`,
      },
    );
  }
  return { kind: 'aligned', sizeMs, slideMs, offsetMs };
}

function checkLength(kind: string, what: string, lengthMs: number): void {
  if (Number.isSafeInteger(lengthMs) && lengthMs > 0) return;
  throw new ConfigError(
    `Expected ${kind} windows with a ${what} in whole milliseconds above 0, got ${String(lengthMs)}.`,
    {
      remedy: 'Give a duration, for example minutes(1).',
    },
  );
}
