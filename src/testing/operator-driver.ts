// Drives one operator as a task does: one call at a time, suspended work before anything else.
//
// Owns:    the context that the operator sees, its outputs, snapshots and restores of its state.
// Not:     what is checked (operator-harness.ts).
//
// D1. In narrow mode there is room for one result: after each emission `output.full` is true until the operator is resumed.
// D2. After the end nothing rings any more (semantics 1.10).
// D3. A crash closes the instance, gives its state to a new one, and keeps nothing else but the clock and the watermark.

import { assert } from '../base/assert.js';
import { silentLogger } from '../base/logger.js';
import { MAX_TIMESTAMP, MIN_TIMESTAMP } from '../base/timestamps.js';
import type { Operator, OperatorContext, Suspended } from '../operators/operator.js';
import { KeyedBackend } from '../state/keyed-backend.js';
import { OperatorStateStore, type StoredList } from '../state/operator-state.js';
import type { OperatorOutput, OperatorStep } from './operator-script.js';

export interface DriverOptions {
  readonly keyed: boolean;
  readonly narrow: boolean;
  readonly startMs: number;
}

const MAX_PARALLELISM = 128;
const SLICE_ENTRIES = 3;

export class OperatorDriver {
  readonly outputs: OperatorOutput[] = [];
  readonly counters: Map<string, number> = new Map();
  /** Results that came while the output was full already. */
  overdraft = 0;
  private readonly create: () => Operator;
  private readonly options: DriverOptions;
  private operator: Operator;
  private keyed: KeyedBackend | null;
  private operatorState: OperatorStateStore;
  private wallMs: number;
  private watermark: number = MIN_TIMESTAMP;
  private emittedWatermark: number = MIN_TIMESTAMP;
  private alarmMs: number | null = null;
  private full = false;
  private mayEmit = false;
  private ended = false;
  private suspended: Suspended[] = [];
  private batch: { readonly values: unknown[]; readonly timestamps: number[] } = {
    values: [],
    timestamps: [],
  };
  private checkpoint = 0;
  private segments: Uint8Array[][] = [];

  constructor(create: () => Operator, options: DriverOptions) {
    this.create = create;
    this.options = options;
    this.wallMs = options.startMs;
    this.operator = create();
    this.keyed = this.newBackend();
    this.operatorState = newOperatorState();
  }

  get stateSize(): number {
    return this.keyed?.size ?? 0;
  }

  open(): void {
    this.operator.open(this.context());
  }

  /** After `open`, as a subtask does: refuses restored state that the operator does not declare, and answers what is told. */
  settle(): readonly string[] {
    return this.keyed?.settle('refuse') ?? [];
  }

  close(): void {
    this.operator.close();
  }

  step(step: OperatorStep): void {
    this.flush();
    this.take(step);
    this.recount();
  }

  private take(step: OperatorStep): void {
    switch (step.kind) {
      case 'record':
        this.call(() => this.operator.onRecord(step.value, step.timestamp));
        return;
      case 'watermark':
        this.advance(step.time);
        return;
      case 'clock':
        this.wallMs = step.wallMs;
        this.ring();
        return;
      default:
        this.advance(MAX_TIMESTAMP);
        this.repeat(() => this.operator.onEnd?.() ?? true);
        this.ended = true;
        this.outputs.push({ kind: 'end' });
    }
  }

  /** As `step`, but records wait and go in as one batch. */
  stepInBatches(step: OperatorStep): void {
    if (step.kind !== 'record') return this.step(step);
    this.batch.values.push(step.value);
    this.batch.timestamps.push(step.timestamp);
  }

  /** Hands over the records that wait. */
  flush(): void {
    const { values, timestamps } = this.batch;
    this.batch = { values: [], timestamps: [] };
    let from = 0;
    while (from < values.length) {
      const index = from;
      this.call(() => {
        if (this.operator.onBatch !== undefined) {
          from = this.operator.onBatch(values, timestamps, index, () => this.interrupted());
        } else {
          this.operator.onRecord(values[index], timestamps[index] as number);
          from = index + 1;
        }
      });
      assert(from > index, 'a batch makes progress', { from, index });
    }
  }

  /** Snapshots the operator, closes it, and goes on with a new instance that has its state. */
  crash(kind: 'full' | 'incremental'): void {
    this.operator.onSnapshot?.();
    const lists = this.operatorState.snapshotLists();
    this.checkpoint += 1;
    this.snapshotKeyed(kind);
    this.operator.close();
    this.restore(lists);
  }

  private recount(): void {
    const wrong = this.keyed?.audit() ?? [];
    assert(wrong.length === 0, 'state is as its sizes and indexes say', { wrong: wrong.join('; ') });
  }

  private snapshotKeyed(kind: 'full' | 'incremental'): void {
    const { keyed, checkpoint } = this;
    if (keyed === null) return;
    const baseCheckpoint = kind === 'full' ? null : checkpoint - 1;
    const walk = keyed.beginSnapshot({ checkpoint, baseCheckpoint });
    const chunks: Uint8Array[] = [];
    for (;;) {
      const slice = walk.next(SLICE_ENTRIES);
      chunks.push(...slice.chunks);
      if (slice.done) break;
    }
    this.segments = walk.full ? [chunks] : [...this.segments, chunks];
  }

  private restore(lists: readonly StoredList[]): void {
    this.operator = this.create();
    this.keyed = this.newBackend();
    this.keyed?.restore(this.segments, { baseCheckpoint: this.checkpoint });
    this.operatorState = newOperatorState();
    this.operatorState.restoreLists(lists);
    this.alarmMs = null;
    this.open();
  }

  private advance(time: number): void {
    if (time <= this.watermark) return;
    this.watermark = time;
    this.repeat(() => this.operator.onWatermark?.(time) ?? true);
    const passes = this.operator.forwardsWatermarks !== false || time >= MAX_TIMESTAMP;
    // MAX is part of the end, so tests need not write both.
    if (passes && time < MAX_TIMESTAMP) this.emitWatermark(time);
  }

  private ring(): void {
    while (!this.ended && this.alarmMs !== null && this.alarmMs <= this.wallMs) {
      this.alarmMs = null;
      this.repeat(() => this.operator.onProcessingTime?.(this.wallMs) ?? true);
    }
  }

  /** Calls again while the operator answers that it is suspended. */
  private repeat(work: () => boolean): void {
    for (;;) {
      let done = true;
      this.call(() => {
        done = work();
      });
      if (done) return;
      assert(this.options.narrow, 'an operator suspends only while the output is full');
    }
  }

  private call(work: () => void): void {
    this.full = false;
    this.mayEmit = true;
    work();
    while (this.suspended.length > 0) {
      this.full = false;
      const [first] = this.suspended;
      if (first?.() === true) this.suspended.shift();
    }
    this.mayEmit = false;
    this.full = false;
  }

  private interrupted(): boolean {
    return this.full || this.suspended.length > 0;
  }

  private emitWatermark(time: number): void {
    // After a restore, watermarks that were sent before are derived again; a channel drops them (semantics 2.6).
    if (this.checkpoint > 0 && time <= this.emittedWatermark) return;
    this.emittedWatermark = time;
    this.outputs.push({ kind: 'watermark', time });
  }

  private push(output: OperatorOutput): void {
    assert(this.mayEmit, 'an operator emits only while it handles something', { output });
    this.outputs.push(output);
    if (this.full) this.overdraft += 1;
    this.full = this.options.narrow;
  }

  private newBackend(): KeyedBackend | null {
    if (!this.options.keyed) return null;
    return new KeyedBackend({
      operator: 'under test',
      subtask: 0,
      maxParallelism: MAX_PARALLELISM,
      range: { from: 0, to: MAX_PARALLELISM - 1 },
      freeze: true,
      processingTimeMs: () => this.wallMs,
    });
  }

  private context(): OperatorContext {
    const driver = this;
    return {
      name: 'under test',
      uid: 'under-test',
      declaredAt: undefined,
      subtask: 0,
      parallelism: 1,
      maxParallelism: MAX_PARALLELISM,
      attempt: 1,
      output: {
        emit: (value, timestamp) => this.push({ kind: 'record', value, timestamp }),
        side: (tag, value, timestamp) => this.push({ kind: 'side', tag, value, timestamp }),
        get full() {
          return driver.full;
        },
      },
      operatorState: this.operatorState,
      keyed: this.keyed,
      logger: silentLogger,
      trials: null,
      metrics: { count: (name, delta) => this.counters.set(name, (this.counters.get(name) ?? 0) + delta) },
      processingTimeMs: () => this.wallMs,
      currentWatermark: () => this.watermark,
      suspend: (work) => this.suspended.push(work),
      emitWatermark: (time) => this.emitWatermark(time),
      emitIdle: (isIdle) => this.outputs.push({ kind: 'idle', idle: isIdle }),
      alarm: (wallMs) => {
        if (this.alarmMs === null || wallMs < this.alarmMs) this.alarmMs = wallMs;
      },
    };
  }
}

function newOperatorState(): OperatorStateStore {
  return new OperatorStateStore({ operator: 'under test', subtask: 0, freeze: true });
}
