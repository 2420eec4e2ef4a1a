// Timers of keyed operators, in event time and in processing time.
//
// Owns:    registering and deleting; which timers an advance of time fires, and in which order.
// Not:     how time advances (the task), what a timer does (the operator).
//
// R1. A timer is (domain, key, window, timestamp): registering it again changes nothing, deleting what is not there neither
//     (semantics 1.8).
// R2. An advance fires what is due in ascending time and looks again after each firing, so what a firing registers within
//     the advance fires in it too. Registering never fires by itself: a timer in the past waits for the next advance (1.9).
// R3. A timer at MAX that is registered while the watermark stands at MAX is kept but does not fire: nothing follows MAX, and
//     a function that registers its timer again would never end (1.11).
// R4. A timer that sets itself again behind the last watermark, or again and again at a time that has come, rings a bounded number
//     of times: its place in that line is stored with it, so that a crash does not begin the count anew.
// R5. Timers are state: in snapshots, and with their key group on a rescale.

import { StateError } from '../base/errors.js';
import { TIMER_CHAIN_MAX } from '../base/limits.js';
import { MAX_TIMESTAMP, MIN_TIMESTAMP } from '../base/timestamps.js';
import { originalKey } from './key.js';
import type { StateCore } from './state-core.js';
import type { Entry } from './table.js';
import type { TimerTable } from './timer-table.js';
import type { Window } from './window-table.js';

/** Called with the key of the timer in hand. `window` is what it was registered with, or null. */
export type FireTimer = (key: unknown, window: Window | null, time: number) => void;

/** Value of an entry that waits for no advance of this attempt (R3). */
const PARKED = 'parked';
/** Value of the entry of a timer: a number is its place in the line of R4. */
type Place = typeof PARKED | number | undefined;

export class TimerService {
  private readonly core: StateCore;
  private readonly eventTable: TimerTable;
  private readonly processingTable: TimerTable;
  private watermark: number = MIN_TIMESTAMP;
  /** Of the event timer that rang last: its time, and how many before it in the line of R4. */
  private lastTime: number = MIN_TIMESTAMP;
  private lastRings = 0;

  constructor(core: StateCore, eventTable: TimerTable, processingTable: TimerTable) {
    this.core = core;
    this.eventTable = eventTable;
    this.processingTable = processingTable;
  }

  /** For the key in hand. Fires when the watermark reaches `time`. */
  registerEvent(time: number, window: Window | null = null): void {
    const parked = time >= MAX_TIMESTAMP && this.watermark >= MAX_TIMESTAMP;
    this.register(this.eventTable, time, window, parked ? PARKED : undefined);
  }

  /**
   * As `registerEvent`, by the timer that rings. False: it is the last of a line without end behind the last watermark, and will not
   * ring (R4). StateError for a line without end at a time that has come.
   */
  registerNextEvent(time: number): boolean {
    const ended = this.watermark >= MAX_TIMESTAMP;
    if (time >= MAX_TIMESTAMP || (!ended && time > this.lastTime)) {
      this.registerEvent(time);
      return true;
    }
    const rings = this.lastRings + 1;
    if (rings >= TIMER_CHAIN_MAX && !ended) throw this.endless(time);
    this.register(this.eventTable, time, null, rings >= TIMER_CHAIN_MAX ? PARKED : rings);
    return rings < TIMER_CHAIN_MAX;
  }

  private endless(time: number): StateError {
    return new StateError(
      `A timer set itself ${TIMER_CHAIN_MAX} times in a row to ${time}, a time that has come already.`,
      { ...this.core.place, remedy: 'Set the next timer to a later time.', unrecoverable: true },
    );
  }

  deleteEvent(time: number, window: Window | null = null): void {
    this.remove(this.eventTable, time, window);
  }

  /** For the key in hand. Fires when the clock reaches `time`. */
  registerProcessing(time: number, window: Window | null = null): void {
    this.register(this.processingTable, time, window, undefined);
  }

  deleteProcessing(time: number, window: Window | null = null): void {
    this.remove(this.processingTable, time, window);
  }

  /**
   * Fires all event-time timers up to the watermark; the caller has made it current before. Asks `shouldPause` before each
   * firing and answers false when it stopped; called again with the same watermark it goes on. No key is in hand afterwards.
   */
  advanceEvent(watermark: number, fire: FireTimer, shouldPause: () => boolean): boolean {
    this.watermark = Math.max(this.watermark, watermark);
    return this.advance(this.eventTable, watermark, fire, shouldPause);
  }

  /** As `advanceEvent`, for processing-time timers up to `nowMs`. */
  advanceProcessing(nowMs: number, fire: FireTimer, shouldPause: () => boolean): boolean {
    return this.advance(this.processingTable, nowMs, fire, shouldPause);
  }

  /** When the clock should look here again; null: not at all. */
  nextProcessing(): number | null {
    return this.processingTable.top()?.time ?? null;
  }

  /** The earliest event-time timer; null: there is none that can still fire. */
  nextEvent(): number | null {
    return this.eventTable.top()?.time ?? null;
  }

  private advance(table: TimerTable, time: number, fire: FireTimer, shouldPause: () => boolean): boolean {
    const { core } = this;
    for (;;) {
      const space = table.top();
      if (space === undefined || space.time > time) break;
      if (shouldPause()) {
        core.clearKey();
        return false;
      }
      const entry = space.next();
      if (entry === null || entry.value === PARKED) {
        // Parked timers are registered after all others of their time, so nothing due is behind this one.
        table.unqueue(space);
        continue;
      }
      table.remove(entry);
      if (table === this.eventTable) {
        this.lastTime = space.time;
        this.lastRings = typeof entry.value === 'number' ? entry.value : 0;
      }
      core.setMapKey(entry.key);
      fire(originalKey(entry.key), space.window, space.time);
    }
    core.clearKey();
    return true;
  }

  private register(table: TimerTable, time: number, window: Window | null, value: Place): void {
    const key = this.core.requireKey('timers');
    const space = table.open(this.namespaceOf(time, window));
    if (space.get(key) === undefined) table.add(space, key, value);
  }

  private remove(table: TimerTable, time: number, window: Window | null): void {
    const key = this.core.requireKey('timers');
    const entry: Entry | undefined = table.find(this.namespaceOf(time, window))?.get(key);
    if (entry !== undefined) table.remove(entry);
  }

  private namespaceOf(time: number, window: Window | null): readonly number[] {
    if (Number.isNaN(time)) {
      throw new StateError('A timer has a timestamp in milliseconds; got NaN.', {
        ...this.core.place,
        remedy: 'Check the arithmetic that made it: a field of the record is probably missing.',
      });
    }
    const bounded = Math.min(Math.max(time, MIN_TIMESTAMP), MAX_TIMESTAMP);
    return window === null ? [bounded] : [bounded, window.start, window.end];
  }
}
