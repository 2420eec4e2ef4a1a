// One direction of one connection: a chain of toxics between the sender and the receiver.
//
// Owns:    the chain, which changes while bytes are on their way, and the count of bytes that are in it.
// Not:     what a toxic does (real-toxic-stages.ts), the sockets (real-toxic-connection.ts).
//
// L1. Bytes are held from `accept` until the receiver has taken them or they are lost; the count says when the sender must wait.
// L2. A toxic joins at the end of the chain, next to the receiver; what a leaving one held stays in its order.

import type { RandomStream } from '../base/runtime.js';
import type { ToxicKind } from './real-toxic-kinds.js';
import { type Item, type Stage, type StageSurroundings, toxicStage } from './real-toxic-stages.js';

export interface LinkEnds {
  readonly time: StageSurroundings['time'];
  /** Calls `taken` when the bytes have left this process, or are lost with the receiver. */
  deliver(bytes: Uint8Array, taken: () => void): void;
  /** The receiver is told the end. */
  end(): void;
  /** The receiver is told the end, the sender is closed. */
  cut(): void;
  breakOff(how: 'close' | 'reset'): void;
  /** A toxic has swallowed so many bytes. */
  lost(bytes: number): void;
  /** The count of held bytes has changed. */
  held(bytes: number): void;
}

interface Linked {
  readonly name: string;
  readonly stage: Stage;
}

export class ToxicLink {
  readonly #ends: LinkEnds;
  readonly #chain: Linked[] = [];
  #heldBytes = 0;
  #state: 'open' | 'stopped' = 'open';

  constructor(ends: LinkEnds) {
    this.#ends = ends;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  accept(bytes: Uint8Array): void {
    if (this.#state === 'stopped') return;
    this.#hold(bytes.length);
    this.#passFrom(0, { kind: 'data', bytes });
  }

  acceptEnd(): void {
    if (this.#state === 'open') this.#passFrom(0, { kind: 'end' });
  }

  add(name: string, settings: ToxicKind, random: RandomStream): void {
    if (this.#state === 'stopped') return;
    const stage = toxicStage(settings, {
      time: this.#ends.time,
      random,
      pass: (item) => this.#passFrom(this.#indexOf(name) + 1, item),
      lose: (bytes) => {
        this.#ends.lost(bytes);
        this.#hold(-bytes);
      },
      breakOff: (how) => this.#ends.breakOff(how),
    });
    if (stage === null) return;
    this.#chain.push({ name, stage });
    stage.start();
  }

  /** Connections that the toxic has spared stay spared. */
  update(name: string, settings: ToxicKind): void {
    if (this.#state === 'open') this.#chain[this.#indexOf(name)]?.stage.update(settings);
  }

  remove(name: string): void {
    const linked = this.#chain[this.#indexOf(name)];
    if (linked === undefined) return;
    // It stays in the chain while it lets go, so that its bytes find the next one.
    linked.stage.release();
    const index = this.#indexOf(name);
    if (index !== -1) this.#chain.splice(index, 1);
  }

  /** Whatever is held is lost. */
  stop(): void {
    if (this.#state === 'stopped') return;
    this.#state = 'stopped';
    for (const { stage } of this.#chain) stage.stop();
    this.#heldBytes = 0;
  }

  #indexOf(name: string): number {
    return this.#chain.findIndex((linked) => linked.name === name);
  }

  #passFrom(index: number, item: Item): void {
    if (this.#state === 'stopped') return;
    const next = this.#chain[index];
    if (next !== undefined) next.stage.accept(item);
    else if (item.kind === 'data') this.#ends.deliver(item.bytes, () => this.#hold(-item.bytes.length));
    else if (item.kind === 'end') this.#ends.end();
    else this.#ends.cut();
  }

  #hold(bytes: number): void {
    if (this.#state === 'stopped') return;
    this.#heldBytes += bytes;
    this.#ends.held(this.#heldBytes);
  }
}
