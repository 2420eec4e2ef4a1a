// Session windows: runs of records with no gap between them, per key.
//
// Owns:    merging sessions, firing them, dropping them.
// Not:     what a session keeps (window-contents.ts), what is late (lateness.ts).
//
// S1. The sessions of a key never overlap or touch: whatever does is one session (semantics 3.3).
// S2. Each session has one timer, at or before the moment at which something is due. It is moved when it rings, not with each
//     record: a session that grows with every record would otherwise cost a timer a record.
// S3. Late is judged on the merged session: a late record that touches a live session is saved by it (3.18).
// S4. Nothing is left of a session after its cleanup (3.19).

import { assert, present } from '../../base/assert.js';
import { MAX_TIMESTAMP, MIN_TIMESTAMP } from '../../base/timestamps.js';
import type { KeyedBackend } from '../../state/keyed-backend.js';
import type { WindowEntry, WindowTable } from '../../state/window-table.js';
import { type KeySelector, keySetter, requireKeyed } from '../key-setter.js';
import type { Operator, OperatorContext } from '../operator.js';
import { RecordQueue } from '../record-queue.js';
import { expectNow, poisonError, shown, userError } from '../user-code.js';
import { Lateness, type LatenessOptions } from './lateness.js';
import { type SessionWindows, windowEnd } from './window-assigners.js';
import {
  type AnyContents,
  type ContentsRunner,
  checkMergeable,
  emitContents,
  runContents,
} from './window-contents.js';
import { windowShape } from './window-shape.js';

export interface SessionWindowOptions extends LatenessOptions {
  readonly key: KeySelector;
  readonly assigner: SessionWindows<never>;
  readonly contents: AnyContents;
}

/** Throws ConfigError when the contents cannot be merged. */
export function sessionWindowOperator(options: SessionWindowOptions): Operator {
  checkMergeable(options.contents);
  return new SessionWindowOperator(options);
}

const STATE = 'sessions';

/** Stored as it is; changed in place after `touch`. */
interface Session {
  start: number;
  end: number;
  contents: unknown;
  /** It has fired and not grown beyond the watermark since. */
  fired: boolean;
  /** When its timer rings (S2); MAX_TIMESTAMP: it has none, because nothing is due before the end of time. */
  timer: number;
}

class SessionWindowOperator implements Operator {
  private readonly options: SessionWindowOptions;
  private running: Running | null = null;

  constructor(options: SessionWindowOptions) {
    this.options = options;
  }

  open(context: OperatorContext): void {
    this.running = new Running(this.options, context, requireKeyed(context));
  }

  onRecord(value: unknown, timestamp: number): void {
    this.running?.queue.handle(value, timestamp);
  }

  onWatermark(time: number): boolean {
    return this.running?.onWatermark(time) ?? true;
  }

  onSnapshot(): void {
    this.running?.lateness.onSnapshot();
  }

  close(): void {
    this.running?.contents.close();
    this.running = null;
  }
}

class Running {
  readonly queue: RecordQueue;
  readonly lateness: Lateness;
  readonly contents: ContentsRunner;
  private readonly context: OperatorContext;
  private readonly keyed: KeyedBackend;
  /** All sessions of a key in one entry: there is rarely more than one, and they are looked at together. */
  private readonly table: WindowTable<Session[]>;
  private readonly setKey: (value: unknown) => void;
  private readonly gapMs: number | ((value: unknown) => number);
  /** The watermark in hand: timers ring one by one on the way there, and no record comes between them. */
  private advancingTo: number = MIN_TIMESTAMP;
  /** Also true while results are half out: they only ever are because of this. */
  private readonly shouldPause = (): boolean => this.context.output.full;
  private readonly ring = (_key: unknown, _window: unknown, time: number): void => this.onTimer(time);

  constructor(options: SessionWindowOptions, context: OperatorContext, keyed: KeyedBackend) {
    this.context = context;
    this.keyed = keyed;
    this.lateness = new Lateness(context, options);
    this.contents = runContents(options.contents, context, keyed);
    this.table = keyed.windows<Session[]>(STATE, windowShape(options.assigner, options.contents));
    this.table.expectAll((value) => Array.isArray(value) && value.every((each) => this.isSession(each)));
    this.table.imagedBy((sessions) => this.imageOf(sessions as readonly Session[]));
    this.setKey = keySetter(context, keyed, options.key);
    this.gapMs = options.assigner.gapMs as number | ((value: unknown) => number);
    this.queue = new RecordQueue(
      context,
      (value, timestamp) => this.onRecord(value, timestamp),
      () => this.contents.resume(),
    );
  }

  onWatermark(time: number): boolean {
    if (!this.contents.resume()) return false;
    this.advancingTo = time;
    const done = this.keyed.timers.advanceEvent(time, this.ring, this.shouldPause);
    if (!done || this.contents.pending) return false;
    if (time > this.lateness.reached) this.lateness.reached = time;
    return true;
  }

  private onRecord(value: unknown, timestamp: number): boolean {
    const { lateness, contents, table } = this;
    if (timestamp <= MIN_TIMESTAMP) throw lateness.timestampMissing();
    this.setKey(value);
    const end = windowEnd(timestamp, this.gapOf(value));
    const entry = table.get(0, 0);
    const touching =
      entry === undefined ? [] : entry.value.filter((each) => each.start <= end && timestamp <= each.end);
    if (touching.length === 0) {
      if (lateness.isLate(end - 1)) {
        lateness.divert(value, timestamp);
        return true;
      }
      const opened = {
        start: timestamp,
        end,
        contents: contents.create(value),
        fired: false,
        timer: MAX_TIMESTAMP,
      };
      this.store(entry, opened);
      return this.settle(opened);
    }
    const stored = present(entry, 'the entry of the sessions that were found');
    table.touch(stored);
    const merged = this.mergeAll(stored, touching);
    merged.start = Math.min(merged.start, timestamp);
    merged.end = Math.max(merged.end, end);
    merged.contents = contents.add(merged.contents, value);
    assert(!lateness.isLate(merged.end - 1), 'a session that is past its cleanup is gone', {
      end: merged.end,
    });
    return this.settle(merged);
  }

  private store(entry: WindowEntry<Session[]> | undefined, opened: Session): void {
    if (entry === undefined) {
      this.table.put(0, 0, [opened]);
    } else {
      this.table.touch(entry);
      entry.value.push(opened);
    }
  }

  /** The first of several sessions takes in the others. What has been emitted is not changed by it. */
  private mergeAll(entry: WindowEntry<Session[]>, touching: readonly Session[]): Session {
    const [kept, ...others] = touching;
    const merged = present(kept, 'at least one session');
    if (merged.fired) merged.contents = this.contents.own(merged.contents);
    for (const other of others) {
      merged.start = Math.min(merged.start, other.start);
      merged.end = Math.max(merged.end, other.end);
      const taken = other.fired ? this.contents.own(other.contents) : other.contents;
      merged.contents = this.contents.merge(merged.contents, taken);
      entry.value = entry.value.filter((each) => each !== other);
      this.disarm(other, entry.value);
    }
    return merged;
  }

  /** After a change: fires at once what the watermark has passed, and sees to the timer. */
  private settle(session: Session): boolean {
    const last = session.end - 1;
    session.fired = last <= this.lateness.reached;
    this.arm(session, session.fired ? this.lateness.cleanupTime(last) : last);
    return session.fired ? this.contents.emit(windowOf(session), session.contents, true) : true;
  }

  /** Makes sure that the timer rings at `due` or before (S2). */
  private arm(session: Session, due: number): void {
    if (session.timer <= due) return;
    this.disarm(session, this.table.get(0, 0)?.value ?? []);
    session.timer = due;
    if (due < MAX_TIMESTAMP) this.keyed.timers.registerEvent(due);
  }

  /** A timer is a timestamp of the key: another session may need the same one. */
  private disarm(session: Session, all: readonly Session[]): void {
    const { timer } = session;
    session.timer = MAX_TIMESTAMP;
    if (timer < MAX_TIMESTAMP && !all.some((each) => each.timer === timer))
      this.keyed.timers.deleteEvent(timer);
  }

  private onTimer(time: number): void {
    const entry = this.table.get(0, 0);
    if (entry === undefined) return;
    this.table.touch(entry);
    for (const session of [...entry.value]) {
      if (session.timer > time) continue;
      session.timer = MAX_TIMESTAMP;
      this.onDue(entry, session, time);
    }
    if (entry.value.length === 0) this.table.delete(0, 0);
  }

  private onDue(entry: WindowEntry<Session[]>, session: Session, time: number): void {
    const last = session.end - 1;
    const cleanup = this.lateness.cleanupTime(last);
    if (last > time) {
      this.arm(session, last);
      return;
    }
    const gone = cleanup <= this.advancingTo;
    if (gone) entry.value = entry.value.filter((each) => each !== session);
    else this.arm(session, cleanup);
    if (session.fired) return;
    session.fired = true;
    // At most one session of a key is due at a time, because no two end together; so one emission at most is suspended.
    emitContents(this.context, this.contents, windowOf(session), session.contents, !gone);
  }

  private isSession(value: unknown): boolean {
    const session = value as Partial<Session> | null;
    if (typeof session !== 'object' || session === null) return false;
    const { start, end, timer, fired, contents } = session;
    const numbers = [start, end, timer].every((part) => typeof part === 'number' && !Number.isNaN(part));
    // An accumulator is whatever its aggregate takes; elements are a list.
    return (
      numbers && typeof fired === 'boolean' && (this.contents.aggregate !== null || Array.isArray(contents))
    );
  }

  private imageOf(sessions: readonly Session[]): () => Session[] {
    const images = sessions.map((session) => ({
      session: { ...session },
      contents: this.contents.image(session.contents),
    }));
    return () => images.map(({ session, contents }) => ({ ...session, contents: contents() }));
  }

  private gapOf(value: unknown): number {
    if (typeof this.gapMs === 'number') return this.gapMs;
    let gap: unknown;
    try {
      gap = this.gapMs(value);
    } catch (cause) {
      throw userError(this.context, 'the session gap', cause);
    }
    expectNow(this.context, 'the session gap', gap);
    if (typeof gap === 'number' && gap > 0 && Number.isFinite(gap)) return gap;
    throw poisonError(
      this.context,
      `Expected a session gap in milliseconds above 0, got ${shown(gap)}.`,
      'Answer a duration for every record, for example minutes(30).',
    );
  }
}

function windowOf(session: Session): { readonly start: number; readonly end: number } {
  return { start: session.start, end: session.end };
}
