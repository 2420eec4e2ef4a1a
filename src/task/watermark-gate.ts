// What an operator with watermarks of its own puts out inside a chain: records, watermarks and idleness in one line.
//
// Owns:    what had to wait because something below was not through, and the watermark under way from here.
// Not:     giving watermarks to operators (chain.ts), deciding on them (timestamp-operator.ts).
//
// G1. A watermark takes effect behind the record that it was the answer to and before the next one, as it does in a channel
//     (semantics X1, 2.5): no result depends on who is chained with whom, or on how many records one call brings.
// G2. While something waits here, everything else from here waits behind it.
// G3. A gate goes on only when nothing below it is suspended; what is above it goes on only when it is empty. So what waits is
//     bounded as emissions are: by what one call above may emit without room.

import { type WatermarkStatus, watermark } from '../elements/element.js';
import type { Output } from '../operators/operator.js';

/** A watermark under way: to be given to an operator, or to be passed on below it. */
export interface Advance {
  readonly kind: 'give' | 'pass';
  readonly link: number;
  readonly time: number;
}

type Waiting =
  | { readonly kind: 'record'; readonly value: unknown; readonly timestamp: number }
  | { readonly kind: 'side'; readonly tag: string; readonly value: unknown; readonly timestamp: number }
  | { readonly kind: 'watermark'; readonly time: number }
  | WatermarkStatus;

/** What the chain does for a gate. */
export interface GateHost {
  /** Tells the edges, and answers what the operators below are to be given. */
  readonly spread: (time: number) => Advance[];
  /** Works on the first advance as far as it goes; it stays in the list until it is through. */
  readonly advance: (advances: Advance[]) => void;
  readonly status: (idle: boolean) => void;
  /** No room downstream, or something below is suspended. */
  readonly blocked: () => boolean;
}

export class WatermarkGate {
  readonly output: Output;
  private readonly direct: Output;
  private readonly host: GateHost;
  private queue: Waiting[] = [];
  private first = 0;
  private readonly advances: Advance[] = [];
  /** Something is in the queue or under way. */
  waits = false;

  constructor(direct: Output, host: GateHost) {
    this.direct = direct;
    this.host = host;
    this.output = this.gated();
  }

  watermark(time: number): void {
    if (this.waits) this.queue.push(watermark(time));
    else this.send(time);
  }

  status(idle: boolean): void {
    if (!this.waits && !this.host.blocked()) this.host.status(idle);
    else this.wait({ kind: 'status', idle });
  }

  get canGoOn(): boolean {
    return this.waits && !this.host.blocked();
  }

  /** One step of what waits; to be called while it can go on. */
  step(): void {
    if (this.advances.length > 0) this.host.advance(this.advances);
    else this.takeNext();
    this.waits = this.advances.length > 0 || this.first < this.queue.length;
    if (this.waits) return;
    this.queue = [];
    this.first = 0;
  }

  private takeNext(): void {
    const next = this.queue[this.first] as Waiting;
    this.first += 1;
    switch (next.kind) {
      case 'record':
        return this.direct.emit(next.value, next.timestamp);
      case 'side':
        return this.direct.side(next.tag, next.value, next.timestamp);
      case 'watermark':
        this.advances.push(...this.host.spread(next.time));
        return;
      default:
        return this.host.status(next.idle);
    }
  }

  /** Inside the call of the operator: what is below has returned, so it can be given the watermark now. */
  private send(time: number): void {
    if (this.host.blocked()) return this.wait(watermark(time));
    this.advances.push(...this.host.spread(time));
    while (this.advances.length > 0) {
      if (this.host.blocked()) {
        this.waits = true;
        return;
      }
      this.host.advance(this.advances);
    }
  }

  private wait(element: Waiting): void {
    this.queue.push(element);
    this.waits = true;
  }

  private gated(): Output {
    const { direct } = this;
    const { emit } = direct;
    return {
      emit: (value, timestamp) => {
        if (this.waits) this.queue.push({ kind: 'record', value, timestamp });
        else emit(value, timestamp);
      },
      side: (tag, value, timestamp) => {
        if (this.waits) this.queue.push({ kind: 'side', tag, value, timestamp });
        else direct.side(tag, value, timestamp);
      },
      get full() {
        return direct.full;
      },
    };
  }
}

/** The gates of a chain, deepest first: operators are opened from the last to the first. */
export class WatermarkGates {
  private readonly gates: WatermarkGate[] = [];

  add(gate: WatermarkGate): void {
    this.gates.push(gate);
  }

  /** Asked after each emission: there is rarely more than one gate. */
  get wait(): boolean {
    const { gates } = this;
    for (let index = 0; index < gates.length; index += 1) if (gates[index]?.waits === true) return true;
    return false;
  }

  /** Null also when all that wait have something suspended below them: that goes on first. */
  next(): WatermarkGate | null {
    for (const gate of this.gates) if (gate.canGoOn) return gate;
    return null;
  }
}
