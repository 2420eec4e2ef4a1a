// A chain: the operators of one subtask, fused into one actor, driven one call at a time.
//
// Owns:    the order in which operators see records, watermarks, alarms and the end; what was cut short for lack of room.
// Not:     channels and credits (outbox.ts, inbox), snapshots (snapshots.ts), when to call (the machines).
//
// H1. An operator's suspended work goes on before anything else reaches it, deepest operator first.
// H2. A watermark leaves an operator after everything that it made the operator emit (semantics 2.19). One that an operator
//     makes itself takes effect between two records, also in the middle of a batch (watermark-gate.ts).
// H3. A barrier finds the chain at rest: no batch half done, nothing suspended (semantics X1, L2 of element.ts).

import { assert, present } from '../base/assert.js';
import { RestoreError } from '../base/errors.js';
import type { Logger } from '../base/logger.js';
import { MAX_TIMESTAMP, MIN_TIMESTAMP } from '../base/timestamps.js';
import { ACTIVE, END_OF_DATA, IDLE, watermark } from '../elements/element.js';
import type { Operator, OperatorContext, Output, Suspended } from '../operators/operator.js';
import type { KeyedBackend } from '../state/keyed-backend.js';
import type { OperatorStateStore } from '../state/operator-state.js';
import { type ChainTarget, linksBelow, outputOf, targetsOf } from './chain-outputs.js';
import type { Outbox, Room } from './outbox.js';
import { type Advance, WatermarkGate, WatermarkGates } from './watermark-gate.js';
import { type RecordInHand, WorkInHand } from './work-in-hand.js';

export interface ChainLinkSpec {
  readonly uid: string;
  readonly name: string;
  readonly declaredAt: string | undefined;
  readonly operator: Operator;
  readonly keyed: KeyedBackend | null;
  readonly operatorState: OperatorStateStore;
  readonly main: readonly ChainTarget[];
  readonly sides: ReadonlyMap<string, readonly ChainTarget[]>;
  /** Restored from a checkpoint in which this operator had finished: it takes part in nothing but snapshots. */
  readonly finished: boolean;
}

export interface ChainFacts {
  readonly subtask: number;
  readonly parallelism: number;
  readonly maxParallelism: number;
  readonly attempt: number;
  readonly logger: Logger;
  /** Restored state that its operator does not declare when it opens: refuse it, or leave it behind. */
  readonly undeclared: 'refuse' | 'leave';
  /** Wall clock of the step in hand. */
  readonly now: () => number;
  /** Development: records are frozen when they are emitted. */
  readonly freezes: boolean;
  readonly count: (uid: string, metric: string, delta: number) => void;
}

export interface ChainLink extends ChainLinkSpec {
  watermark: number;
  alarmMs: number | null;
  ended: boolean;
  opened: boolean;
}

type Job =
  | {
      readonly kind: 'batch';
      readonly values: unknown[];
      readonly timestamps: number[];
      readonly input: 0 | 1;
      index: number;
    }
  | { readonly kind: 'alarm'; readonly wallMs: number; link: number }
  | { readonly kind: 'end'; link: number };

interface SuspendedAt {
  readonly link: number;
  readonly work: Suspended;
}

export class Chain {
  readonly links: readonly ChainLink[];
  recordsIn = 0;
  private readonly outbox: Outbox;
  private readonly room: Room;
  private readonly facts: ChainFacts;
  private job: Job | null = null;
  /** Where the head emits to, once it is open. */
  private head: Output | null = null;
  private suspended: SuspendedAt[] = [];
  private newlySuspended: SuspendedAt[] = [];
  private readonly advances: Advance[] = [];
  /** Of the operators that make watermarks themselves. */
  private readonly gates = new WatermarkGates();
  private readonly hand = new WorkInHand();
  /** An operator has worked long enough for one turn and goes on in the next, so that a cancel comes through. */
  timeUp = false;
  private readonly interrupted = (): boolean =>
    this.room.full || this.newlySuspended.length > 0 || this.advances.length > 0 || this.gates.wait;

  constructor(specs: readonly ChainLinkSpec[], outbox: Outbox, facts: ChainFacts) {
    this.outbox = outbox;
    this.room = outbox.room;
    this.facts = facts;
    this.links = specs.map((spec) => ({
      ...spec,
      watermark: MIN_TIMESTAMP,
      alarmMs: null,
      ended: spec.finished,
      opened: false,
    }));
  }

  /** Last operator first, so that nobody emits to an operator that is not open (semantics 1.24). */
  open(): void {
    for (let index = this.links.length - 1; index >= 0; index -= 1) {
      const link = present(this.links[index], 'a link of the chain');
      link.opened = true;
      const context = this.contextOf(link, index);
      link.operator.open(context);
      if (index === 0) this.head = context.output;
      for (const notice of link.keyed?.settle(this.facts.undeclared) ?? []) context.logger.warn({}, notice);
    }
  }

  close(onError: (error: unknown) => void): void {
    for (const link of this.links) {
      if (!link.opened) continue;
      link.opened = false;
      try {
        link.operator.close();
      } catch (error) {
        onError(error);
      }
    }
  }

  startBatch(values: unknown[], timestamps: number[], input: 0 | 1): void {
    assert(this.atRest, 'a batch starts when the chain is at rest');
    this.recordsIn += values.length;
    this.job = { kind: 'batch', values, timestamps, input, index: 0 };
    this.hand.given(this.job);
  }

  /** A record of a side output of the head. */
  startSide(tag: string, value: unknown, timestamp: number): void {
    assert(this.atRest, 'a record of a side output enters when the chain is at rest');
    present(this.head, 'an open chain').side(tag, value, timestamp);
  }

  startWatermark(time: number): void {
    assert(this.atRest, 'a watermark enters when the chain is at rest');
    if (this.links.length > 0) this.advances.push({ kind: 'give', link: 0, time });
  }

  startEnd(): void {
    assert(this.atRest, 'the end enters when the chain is at rest');
    this.job = { kind: 'end', link: 0 };
  }

  startAlarms(wallMs: number): void {
    assert(this.atRest, 'alarms ring when the chain is at rest');
    this.job = { kind: 'alarm', wallMs, link: 0 };
  }

  /** Upstream went idle or active: told on, unless the head makes its own watermarks. */
  status(idle: boolean): void {
    this.statusFrom(0, idle);
  }

  get atRest(): boolean {
    return this.job === null && this.suspended.length === 0 && this.advances.length === 0 && !this.gates.wait;
  }

  /** For error messages; `batchIndex` where the error knows it. Null: a watermark or a timer is at work. */
  recordInHand(batchIndex: number | undefined): RecordInHand | null {
    return this.hand.record(batchIndex, this.recordsIn);
  }

  /** The key at which an operator stands, and how far event time has come there. */
  momentOf(operator: string | undefined): { readonly key: unknown; readonly watermark: number } | null {
    const link = this.links.find(({ name }) => name === operator);
    if (link === undefined) return null;
    return { key: link.keyed?.keyInHand(), watermark: link.watermark };
  }

  /** Earliest alarm that an operator has asked for. One whose input has ended has no use for any (semantics 1.10). */
  nextAlarm(): number | null {
    let earliest: number | null = null;
    for (const link of this.links) {
      if (link.alarmMs === null || link.ended) continue;
      if (earliest === null || link.alarmMs < earliest) earliest = link.alarmMs;
    }
    return earliest;
  }

  /** Works until everything is done (true), or the output is full or time is up (false). */
  run(): boolean {
    this.timeUp = false;
    for (;;) {
      if (this.newlySuspended.length > 0) this.adoptSuspended();
      if (this.room.full || this.timeUp) return this.atRest;
      const gate = this.gates.next();
      if (gate !== null) this.hand.interrupt(() => gate.step());
      else if (this.suspended.length > 0) this.resumeFirst();
      else if (this.advances.length > 0) this.advanceFirst(this.advances);
      else if (this.job !== null) this.runJob(this.job);
      else return true;
    }
  }

  private adoptSuspended(): void {
    this.hand.suspended();
    this.suspended = this.newlySuspended.concat(this.suspended);
    this.newlySuspended = [];
  }

  private resumeFirst(): void {
    const { work } = present(this.suspended[0], 'suspended work');
    const done = work();
    if (done) this.suspended.shift();
  }

  private isSuspendedBelow(below: ReadonlySet<number>): boolean {
    const isBelow = ({ link }: SuspendedAt): boolean => below.has(link);
    return this.suspended.some(isBelow) || this.newlySuspended.some(isBelow);
  }

  private advanceFirst(advances: Advance[]): void {
    this.hand.atTime();
    const advance = present(advances[0], 'a watermark under way');
    const link = present(this.links[advance.link], 'a link of the chain');
    if (advance.kind === 'give' && !link.ended) {
      link.watermark = Math.max(link.watermark, advance.time);
      const done = link.operator.onWatermark?.(advance.time) ?? true;
      if (!done) {
        this.timeUp = !this.room.full;
        return;
      }
      // What the operator emitted may sit suspended further down; the watermark must not overtake it (H2).
      advances[0] = { ...advance, kind: 'pass' };
      if (this.newlySuspended.length > 0 || this.gates.wait) return;
    }
    advances.shift();
    if (link.operator.forwardsWatermarks === false && advance.time < MAX_TIMESTAMP) return;
    advances.unshift(...this.spread(link, advance.time));
  }

  /** Tells the edges of an operator, and answers what the operators below it are to be given. */
  private spread(link: ChainLink, time: number): Advance[] {
    const below: Advance[] = [];
    const edges = new Set<number>();
    for (const target of targetsOf(link)) {
      if (target.kind === 'chained') below.push({ kind: 'give', link: target.index, time });
      else edges.add(target.index);
    }
    for (const edge of edges) this.outbox.control(edge, watermark(time));
    return below;
  }

  private statusFrom(index: number, idle: boolean): void {
    const link = present(this.links[index], 'a link of the chain');
    if (link.operator.forwardsWatermarks === false) return;
    this.emitStatusOf(link, idle);
  }

  private emitStatusOf(link: ChainLink, idle: boolean): void {
    const edges = new Set<number>();
    for (const target of targetsOf(link)) {
      if (target.kind === 'chained') this.statusFrom(target.index, idle);
      else edges.add(target.index);
    }
    for (const edge of edges) this.outbox.control(edge, idle ? IDLE : ACTIVE);
  }

  private runJob(job: Job): void {
    this.hand.atTime();
    switch (job.kind) {
      case 'batch':
        this.hand.atRecord();
        return this.runBatch(job);
      case 'alarm':
        return this.runAlarms(job);
      default:
        return this.runEnd(job);
    }
  }

  private runBatch(job: Job & { kind: 'batch' }): void {
    const head = present(this.links[0], 'a chain has a head');
    const { values, timestamps } = job;
    if (head.ended && head.finished) throw finishedTooEarly(head, this.facts.subtask);
    assert(!head.ended, 'no record reaches a finished operator', { operator: head.name });
    if (job.input === 0 && head.operator.onBatch !== undefined) {
      job.index = head.operator.onBatch(values, timestamps, job.index, this.interrupted);
    } else {
      const operator = head.operator;
      while (job.index < values.length) {
        const index = job.index;
        if (job.input === 0) operator.onRecord(values[index], timestamps[index] as number);
        else present(operator.onRecord2, 'a second input')(values[index], timestamps[index] as number);
        job.index = index + 1;
        if (this.interrupted()) break;
      }
    }
    if (job.index >= values.length) this.job = null;
  }

  private runAlarms(job: Job & { kind: 'alarm' }): void {
    while (job.link < this.links.length) {
      const link = present(this.links[job.link], 'a link of the chain');
      if (link.alarmMs !== null && link.alarmMs <= job.wallMs && !link.ended) {
        link.alarmMs = null;
        const done = link.operator.onProcessingTime?.(job.wallMs) ?? true;
        if (!done) {
          this.timeUp = !this.room.full;
          link.alarmMs = job.wallMs;
          return;
        }
      }
      job.link += 1;
      if (this.interrupted()) break;
    }
    if (job.link >= this.links.length) this.job = null;
  }

  private runEnd(job: Job & { kind: 'end' }): void {
    while (job.link < this.links.length) {
      const link = present(this.links[job.link], 'a link of the chain');
      if (!link.ended) {
        const done = link.operator.onEnd?.() ?? true;
        if (!done) return;
        link.ended = true;
      }
      job.link += 1;
      if (this.interrupted()) return;
    }
    this.job = null;
    this.outbox.controlAll(END_OF_DATA);
  }

  private contextOf(link: ChainLink, index: number): OperatorContext {
    const { facts } = this;
    const direct = outputOf(link, this.links, this.outbox, facts.freezes);
    const gate = link.operator.forwardsWatermarks === false ? this.gateOf(link, index, direct) : null;
    return {
      name: link.name,
      uid: link.uid,
      declaredAt: link.declaredAt,
      subtask: facts.subtask,
      parallelism: facts.parallelism,
      maxParallelism: facts.maxParallelism,
      attempt: facts.attempt,
      output: gate?.output ?? direct,
      operatorState: link.operatorState,
      keyed: link.keyed,
      logger: facts.logger.child({ operator: link.name, subtask: facts.subtask }),
      metrics: { count: (name, delta) => facts.count(link.uid, name, delta) },
      trials: null,
      processingTimeMs: facts.now,
      currentWatermark: () => link.watermark,
      suspend: (work) => this.newlySuspended.push({ link: index, work }),
      emitWatermark: (time) => present(gate, 'an operator that makes watermarks').watermark(time),
      emitIdle: (idle) => present(gate, 'an operator that makes watermarks').status(idle),
      alarm: (wallMs) => {
        if (link.alarmMs === null || wallMs < link.alarmMs) link.alarmMs = wallMs;
      },
    };
  }

  private gateOf(link: ChainLink, index: number, direct: Output): WatermarkGate {
    const below = linksBelow(this.links, index);
    const gate = new WatermarkGate(direct, {
      spread: (time) => this.spread(link, time),
      advance: (advances) => this.advanceFirst(advances),
      status: (idle) => this.emitStatusOf(link, idle),
      blocked: () => this.room.full || this.timeUp || this.isSuspendedBelow(below),
    });
    this.gates.add(gate);
    return gate;
  }
}

/** What is above it has more to send, so the checkpoint contradicts itself, or the job. No restart mends it. */
function finishedTooEarly(head: ChainLink, subtask: number): RestoreError {
  return new RestoreError(
    `A record reaches operator "${head.name}", which had finished according to the checkpoint.`,
    {
      ...{ operator: head.name, subtask },
      remedy:
        'Restore into the same job with the same input, or give the operator a new uid; if nothing has changed, the checkpoint has been tampered with.',
    },
  );
}
