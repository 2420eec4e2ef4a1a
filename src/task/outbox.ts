// What leaves a subtask: records gathered into batches, control elements in line with them, credits obeyed.
//
// Owns:    the outgoing channels of one subtask: open batch, elements waiting for credit, element numbers.
// Not:     delivering elements (the task actor), deciding what to emit (chain.ts).
//
// X1. An element leaves only with a credit; what has none waits here, and the task stops taking input meanwhile.
// X2. Within a channel the order of emission is the order of sending: a control element first closes the open batch.
// X3. What waits is bounded by what one input element can produce, and that by the emission overdraft.

import { assert } from '../base/assert.js';
import { UserCodeError } from '../base/errors.js';
import { EMISSION_OVERDRAFT_RECORDS_MAX } from '../base/limits.js';
import type { Tuning } from '../base/tuning.js';
import type { Element } from '../elements/element.js';
import { BatchBuilder } from '../flow/batch-builder.js';

/** Chooses among the channels of one edge; `broadcast` has no choice to make. */
export type ChannelChoice =
  | { readonly kind: 'one'; readonly select: (value: unknown) => number }
  | { readonly kind: 'all' };

export interface OutboxEdge {
  readonly choice: ChannelChoice;
  /** Outgoing channel numbers of this edge, in order of the receiving subtasks. */
  readonly channels: readonly number[];
}

/** Whether there is room downstream: one object that the whole chain looks at. */
export interface Room {
  full: boolean;
}

export interface Departure {
  readonly channel: number;
  readonly seq: number;
  readonly element: Element;
}

interface OutgoingChannel {
  credits: number;
  seq: number;
  readonly open: BatchBuilder;
  readonly waiting: Element[];
}

export class Outbox {
  readonly room: Room = { full: false };
  private readonly edges: readonly OutboxEdge[];
  private readonly channels: OutgoingChannel[];
  private departures: Departure[] = [];
  private waitingChannels = 0;
  private waitingRecords = 0;

  constructor(edges: readonly OutboxEdge[], tuning: Tuning) {
    this.edges = edges;
    const count = edges.reduce((sum, edge) => sum + edge.channels.length, 0);
    this.channels = Array.from({ length: count }, () => ({
      credits: tuning.channelCapacityElements,
      seq: 0,
      open: new BatchBuilder(tuning.batchRecordsMax),
      waiting: [],
    }));
  }

  emit(edge: number, value: unknown, timestamp: number): void {
    const target = this.edges[edge] as OutboxEdge;
    if (target.choice.kind === 'one') {
      this.append(target.channels[target.choice.select(value)] as number, value, timestamp);
      return;
    }
    for (const channel of target.channels) this.append(channel, value, timestamp);
  }

  /** A function that emits into one edge, without the look-ups of `emit`. */
  emitter(edge: number): (value: unknown, timestamp: number) => void {
    const target = this.edges[edge] as OutboxEdge;
    const only = target.channels[0];
    if (target.channels.length === 1 && only !== undefined) {
      const channel = this.channels[only] as OutgoingChannel;
      const { open } = channel;
      return (value, timestamp) => {
        if (open.add(value, timestamp)) this.close(only, channel);
      };
    }
    return (value, timestamp) => this.emit(edge, value, timestamp);
  }

  /** Puts a control element behind everything emitted so far, on all channels of one edge. */
  control(edge: number, element: Element): void {
    for (const index of (this.edges[edge] as OutboxEdge).channels) {
      const channel = this.channels[index] as OutgoingChannel;
      this.close(index, channel);
      this.enqueue(index, channel, element);
    }
  }

  controlAll(element: Element): void {
    for (let edge = 0; edge < this.edges.length; edge += 1) this.control(edge, element);
  }

  /** Closes all open batches: what was emitted so far leaves as soon as there is credit. */
  flush(): void {
    for (let index = 0; index < this.channels.length; index += 1) {
      this.close(index, this.channels[index] as OutgoingChannel);
    }
  }

  addCredits(index: number, credits: number): void {
    const channel = this.channels[index];
    assert(channel !== undefined, 'a credit is for a channel of this subtask', { index });
    channel.credits += credits;
    if (channel.waiting.length === 0) return;
    let sent = 0;
    while (channel.credits > 0 && sent < channel.waiting.length) {
      this.depart(index, channel, channel.waiting[sent] as Element);
      sent += 1;
    }
    channel.waiting.splice(0, sent);
    if (channel.waiting.length === 0) {
      this.waitingChannels -= 1;
      this.room.full = this.waitingChannels > 0;
      // Nothing is emitted while a channel waits but by the call that has filled it: the count is of that call.
      if (!this.room.full) this.waitingRecords = 0;
    }
  }

  /** Elements that may be sent now, in order; empties the list. */
  takeDepartures(): readonly Departure[] {
    const taken = this.departures;
    if (taken.length > 0) this.departures = [];
    return taken;
  }

  /** True when nothing waits and no batch is open. */
  get empty(): boolean {
    return this.waitingChannels === 0 && this.channels.every((channel) => channel.open.size === 0);
  }

  private append(index: number, value: unknown, timestamp: number): void {
    const channel = this.channels[index] as OutgoingChannel;
    if (channel.open.add(value, timestamp)) this.close(index, channel);
  }

  private close(index: number, channel: OutgoingChannel): void {
    const batch = channel.open.take();
    if (batch === null) return;
    this.enqueue(index, channel, batch);
  }

  private enqueue(index: number, channel: OutgoingChannel, element: Element): void {
    if (channel.credits > 0) {
      this.depart(index, channel, element);
      return;
    }
    if (channel.waiting.length === 0) {
      this.waitingChannels += 1;
      this.room.full = true;
    }
    channel.waiting.push(element);
    if (element.kind === 'batch') this.waitingRecords += element.values.length;
    if (this.waitingRecords > EMISSION_OVERDRAFT_RECORDS_MAX) this.refuseOverdraft();
  }

  private depart(index: number, channel: OutgoingChannel, element: Element): void {
    channel.credits -= 1;
    this.departures.push({ channel: index, seq: channel.seq, element });
    channel.seq += 1;
  }

  private refuseOverdraft(): never {
    throw new UserCodeError(
      `One call of a user function emitted more than ${EMISSION_OVERDRAFT_RECORDS_MAX} records that have no room downstream.`,
      {
        unrecoverable: true,
        remedy:
          'Write the function as a generator (`*onElement`, or a flatMap that returns a generator): it is then suspended until there is room.',
      },
    );
  }
}
