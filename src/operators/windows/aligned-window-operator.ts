// Tumbling and sliding event-time windows.
//
// Owns:    assigning records to windows, firing them as the watermark passes, dropping them when they can change no more.
// Not:     what a window keeps (window-contents.ts), what is late (lateness.ts).
//
// A1. State is by window, then by key: a window fires and goes as a whole, with one look at the clock for all its keys. There
//     is no timer per key; the windows themselves say when they end.
// A2. A window fires when the watermark reaches its last timestamp, in the order of last timestamps, keys in the order in
//     which they came; the watermark goes on after the results (semantics 2.19, 3.6).
// A3. From then until its cleanup, each late record fires its key again with all contents (3.7).
// A4. Nothing is left of a window after its cleanup (3.19).

import { atBatchIndex } from '../../base/errors.js';
import { MIN_TIMESTAMP } from '../../base/timestamps.js';
import type { KeyedBackend } from '../../state/keyed-backend.js';
import type { WindowEntry, WindowTable } from '../../state/window-table.js';
import { type KeySelector, keySetter, requireKeyed, SELECTING } from '../key-setter.js';
import type { Operator, OperatorContext } from '../operator.js';
import { RecordQueue } from '../record-queue.js';
import { expectNow, userError } from '../user-code.js';
import { Lateness, type LatenessOptions } from './lateness.js';
import type { AlignedWindows, TimeWindow } from './window-assigners.js';
import { windowEnd, windowStart } from './window-assigners.js';
import {
  ADDING,
  type AnyContents,
  type ContentsRunner,
  emitContents,
  runContents,
} from './window-contents.js';
import { generateWindowLoop, type LoopStep, type WindowLoop, type WindowLoopHost } from './window-loop.js';
import { windowShape } from './window-shape.js';

export interface AlignedWindowOptions extends LatenessOptions {
  readonly key: KeySelector;
  readonly assigner: AlignedWindows;
  readonly contents: AnyContents;
}

export function alignedWindowOperator(options: AlignedWindowOptions): Operator {
  return new AlignedWindowOperator(options);
}

const STATE = 'windows';

class AlignedWindowOperator implements Operator {
  private readonly options: AlignedWindowOptions;
  private running: Running | null = null;

  constructor(options: AlignedWindowOptions) {
    this.options = options;
  }

  open(context: OperatorContext): void {
    this.running = new Running(this.options, context, requireKeyed(context));
  }

  onRecord(value: unknown, timestamp: number): void {
    this.running?.onRecord(value, timestamp);
  }

  onBatch(
    values: readonly unknown[],
    timestamps: readonly number[],
    from: number,
    interrupted: () => boolean,
  ): number {
    return this.running?.onBatch(values, timestamps, from, interrupted) ?? values.length;
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

/** Windows that are due under the watermark in hand; the first of them may be half out. */
interface Firing {
  readonly time: number;
  readonly due: readonly TimeWindow[];
  next: number;
  entries: Iterator<WindowEntry<unknown>> | null;
}

class Running implements WindowLoopHost {
  readonly lateness: Lateness;
  readonly contents: ContentsRunner;
  private readonly context: OperatorContext;
  private readonly keyed: KeyedBackend;
  private readonly table: WindowTable<unknown>;
  private readonly setKey: (value: unknown) => void;
  private readonly queue: RecordQueue;
  private readonly sizeMs: number;
  private readonly slideMs: number;
  private readonly offsetMs: number;
  private readonly keepsFired: boolean;
  private firing: Firing | null = null;
  /** Windows of the record in hand that have fired before and must fire again. */
  private refiring: { readonly window: TimeWindow; readonly entry: WindowEntry<unknown> }[] = [];
  private readonly loop: WindowLoop | null;
  /** The tumbling window of the last record, if it has not fired: records come in runs. Empty: there is none. */
  start = 0;
  end = 0;

  constructor(options: AlignedWindowOptions, context: OperatorContext, keyed: KeyedBackend) {
    this.context = context;
    this.keyed = keyed;
    this.lateness = new Lateness(context, options);
    this.contents = runContents(options.contents, context, keyed);
    this.table = keyed.windows<unknown>(STATE, windowShape(options.assigner, options.contents));
    // An accumulator is whatever its aggregate takes; elements are a list.
    if (this.contents.aggregate === null) this.table.expectAll(Array.isArray);
    this.table.imagedBy((held) => this.contents.image(held));
    this.setKey = keySetter(context, keyed, options.key);
    ({ sizeMs: this.sizeMs, slideMs: this.slideMs, offsetMs: this.offsetMs } = options.assigner);
    this.keepsFired = options.allowedLatenessMs > 0;
    this.queue = new RecordQueue(
      context,
      (value, timestamp) => this.addToAll(value, timestamp),
      () => this.resumeRecord(),
    );
    const { aggregate } = this.contents;
    this.loop =
      aggregate === null ? null : generateWindowLoop(this, options.key, aggregate, keyed, this.table);
  }

  onRecord(value: unknown, timestamp: number): void {
    if (timestamp <= MIN_TIMESTAMP) throw this.lateness.timestampMissing();
    if (this.sizeMs === this.slideMs && !this.queue.busy) {
      if (timestamp < this.start || timestamp >= this.end) this.openWindowOf(timestamp);
      // The usual case: one window, and it has not fired.
      if (this.end > this.start) {
        this.setKey(value);
        this.add(this.start, this.end, value, false);
        return;
      }
    }
    this.queue.handle(value, timestamp);
  }

  onBatch(
    values: readonly unknown[],
    timestamps: readonly number[],
    from: number,
    interrupted: () => boolean,
  ): number {
    if (this.loop !== null) return this.loop(values, timestamps, from, interrupted);
    let index = from;
    try {
      for (; index < values.length; index += 1) {
        this.onRecord(values[index], timestamps[index] as number);
        if (interrupted()) return index + 1;
      }
    } catch (cause) {
      throw atBatchIndex(cause, index);
    }
    return values.length;
  }

  create(value: unknown): unknown {
    return this.contents.create(value);
  }

  checkKey(selected: unknown): void {
    expectNow(this.context, SELECTING, selected);
  }

  checkContents(contents: unknown): unknown {
    return this.contents.checked(contents);
  }

  explain(cause: unknown, thrower: LoopStep, index: number): unknown {
    if (thrower === 'engine') return atBatchIndex(cause, index);
    return userError(this.context, thrower === 'aggregate' ? ADDING : SELECTING, cause, index);
  }

  onWatermark(time: number): boolean {
    if (this.firing === null || this.firing.time !== time) {
      this.firing = { time, due: this.table.windowsUpTo(time + 1), next: 0, entries: null };
    }
    if (!this.fire(this.firing)) return false;
    this.firing = null;
    this.keyed.clearKey();
    if (time > this.lateness.reached) this.lateness.reached = time;
    this.start = 0;
    this.end = 0;
    return true;
  }

  private openWindowOf(timestamp: number): void {
    const start = windowStart(timestamp, this.offsetMs, this.sizeMs);
    const end = windowEnd(start, this.sizeMs);
    const open = end - 1 > this.lateness.reached;
    this.start = open ? start : 0;
    this.end = open ? end : 0;
  }

  private fire(firing: Firing): boolean {
    const { lateness, table } = this;
    for (; firing.next < firing.due.length; firing.next += 1) {
      const window = firing.due[firing.next] as TimeWindow;
      const last = window.end - 1;
      if (last > lateness.reached && !this.fireWindow(window, firing)) return false;
      firing.entries = null;
      if (lateness.cleanupTime(last) <= firing.time) table.drop(window.start, window.end);
    }
    return true;
  }

  private fireWindow(window: TimeWindow, firing: Firing): boolean {
    const { contents, keyed, context } = this;
    if (!contents.resume()) return false;
    firing.entries ??= this.table.entries(window.start, window.end);
    for (;;) {
      if (context.output.full) return false;
      const { value: entry, done } = firing.entries.next();
      if (done === true) return true;
      keyed.setMapKey(entry.key);
      if (!emitContents(context, contents, window, entry.value, this.keepsFired)) return false;
    }
  }

  /** `fired`: what the window holds has been emitted, and whoever has it keeps it as it was. */
  private add(start: number, end: number, value: unknown, fired: boolean): WindowEntry<unknown> {
    const { table, contents } = this;
    const entry = table.get(start, end);
    if (entry === undefined) return table.put(start, end, contents.create(value));
    table.touch(entry);
    entry.value = contents.add(fired ? contents.own(entry.value) : entry.value, value);
    return entry;
  }

  /** The general case: several windows, some of them late or fired. */
  private addToAll(value: unknown, timestamp: number): boolean {
    const { lateness, sizeMs, slideMs } = this;
    let windows = 0;
    let live = 0;
    // Left over from a record that was left out.
    if (this.refiring.length > 0) this.refiring = [];
    for (
      let start = windowStart(timestamp, this.offsetMs, slideMs);
      start > timestamp - sizeMs;
      start -= slideMs
    ) {
      windows += 1;
      const end = windowEnd(start, sizeMs);
      if (!lateness.isLate(end - 1)) {
        if (live === 0) this.setKey(value);
        live += 1;
        const fired = end - 1 <= lateness.reached;
        const entry = this.add(start, end, value, fired);
        if (fired) this.refiring.push({ window: { start, end }, entry });
      }
      // Before the first time that there is no difference of times is exact, and the loop would not end.
      if (start <= MIN_TIMESTAMP) break;
    }
    // A record in a gap between windows is in none, and not late either (3.2).
    if (live === 0 && windows > 0) lateness.divert(value, timestamp);
    return this.refire();
  }

  private refire(): boolean {
    for (;;) {
      const [first] = this.refiring;
      if (first === undefined) return true;
      if (this.context.output.full) return false;
      this.refiring.shift();
      if (!this.contents.emit(first.window, first.entry.value, true)) return false;
    }
  }

  private resumeRecord(): boolean {
    return this.contents.resume() && this.refire();
  }
}
