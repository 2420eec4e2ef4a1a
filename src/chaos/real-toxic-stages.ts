// What each toxic does to the bytes of one direction of one connection.
//
// Owns:    one stage per kind: what passes, when, in which pieces, and what is lost.
// Not:     the chain of stages (real-toxic-link.ts), sockets (real-toxic-connection.ts).
//
// S1. What passes, passes in order.
// S2. A stage that is taken away lets go of what it holds, at once and in order; a stopped one forgets it.

import { unreachable } from '../base/assert.js';
import type { Clock, RandomStream, TimerHandle, Timers } from '../base/runtime.js';
import type { ToxicKind } from './real-toxic-kinds.js';

export type Item =
  | { readonly kind: 'data'; readonly bytes: Uint8Array }
  /** The sender has ended its direction. */
  | { readonly kind: 'end' }
  /** The connection is to be closed when everything before has arrived. */
  | { readonly kind: 'cut' };

export interface StageSurroundings {
  readonly time: { readonly clock: Clock; readonly timers: Timers };
  readonly random: RandomStream;
  /** To the next stage, or to the receiver. */
  pass(item: Item): void;
  /** So many bytes will never arrive. */
  lose(bytes: number): void;
  /** The whole connection, now. */
  breakOff(how: 'close' | 'reset'): void;
}

export interface Stage {
  /** Once, when the connection is open or the toxic comes to it. */
  start(): void;
  accept(item: Item): void;
  /** New numbers for what comes from now on. */
  update(settings: ToxicKind): void;
  release(): void;
  stop(): void;
}

/** A tenth of a second of bandwidth passes at once. */
const BANDWIDTH_SLICES_PER_SECOND = 10;

type Settings<Kind extends ToxicKind['kind']> = Extract<ToxicKind, { readonly kind: Kind }>;

/** Null for `down`, which is no matter of bytes. */
export function toxicStage(settings: ToxicKind, world: StageSurroundings): Stage | null {
  switch (settings.kind) {
    case 'latency':
      return new TimedStage(world, settings, latency);
    case 'bandwidth':
      return new TimedStage(world, settings, bandwidth);
    case 'slow_close':
      return new TimedStage(world, settings, slowClose);
    case 'slicer':
      return new TimedStage(world, settings, slicer);
    case 'timeout':
      return new TimeoutStage(world, settings);
    case 'reset_peer':
      return new ResetStage(world, settings);
    case 'limit_data':
      return new LimitStage(world, settings);
    case 'down':
      return null;
    default:
      return unreachable(settings);
  }
}

/** `at`: not before this moment. `after`: so long after what was before it has passed. */
interface Waiting {
  readonly item: Item;
  readonly wait: { readonly kind: 'at' | 'after'; readonly ms: number };
}

type Plan<Kind extends ToxicKind['kind']> = (
  item: Item,
  settings: Settings<Kind>,
  world: StageSurroundings,
) => readonly Waiting[];

const latency: Plan<'latency'> = (item, { latencyMs, jitterMs = 0 }, { time, random }) => {
  if (item.kind !== 'data') return [{ item, wait: { kind: 'at', ms: 0 } }];
  const lateMs = latencyMs + jitterMs * (2 * random.next() - 1);
  return [{ item, wait: { kind: 'at', ms: time.clock.monotonicMs() + lateMs } }];
};

const bandwidth: Plan<'bandwidth'> = (item, { bytesPerSecond }) => {
  if (item.kind !== 'data') return [{ item, wait: { kind: 'after', ms: 0 } }];
  const slice = Math.max(1, Math.floor(bytesPerSecond / BANDWIDTH_SLICES_PER_SECOND));
  return slices(item.bytes, () => slice).map((bytes) => ({
    item: { kind: 'data', bytes },
    wait: { kind: 'after', ms: (bytes.length / bytesPerSecond) * 1_000 },
  }));
};

const slowClose: Plan<'slow_close'> = (item, { delayMs }) => [
  { item, wait: { kind: 'after', ms: item.kind === 'data' ? 0 : delayMs } },
];

const slicer: Plan<'slicer'> = (item, { averageBytes, variationBytes = 0, delayMs = 0 }, { random }) => {
  if (item.kind !== 'data') return [{ item, wait: { kind: 'after', ms: 0 } }];
  const size = (): number => Math.max(1, Math.round(averageBytes + variationBytes * (2 * random.next() - 1)));
  return slices(item.bytes, size).map((bytes) => ({
    item: { kind: 'data', bytes },
    wait: { kind: 'after', ms: delayMs },
  }));
};

function slices(bytes: Uint8Array, size: () => number): readonly Uint8Array[] {
  const made: Uint8Array[] = [];
  for (let from = 0; from < bytes.length; ) {
    const to = Math.min(bytes.length, from + size());
    made.push(bytes.subarray(from, to));
    from = to;
  }
  return made;
}

/** Everything passes, in its time. */
class TimedStage<Kind extends ToxicKind['kind']> implements Stage {
  readonly #world: StageSurroundings;
  readonly #plan: Plan<Kind>;
  #settings: Settings<Kind>;
  /** What waits begins at `#first`: to shift an array of thousands of slices would move them all each time. */
  #queue: Waiting[] = [];
  #first = 0;
  /** Of the first that waits. */
  #timer: TimerHandle | null = null;

  constructor(world: StageSurroundings, settings: Settings<Kind>, plan: Plan<Kind>) {
    this.#world = world;
    this.#settings = settings;
    this.#plan = plan;
  }

  start(): void {
    // Nothing to do before the first item.
  }

  accept(item: Item): void {
    for (const waiting of this.#plan(item, this.#settings, this.#world)) this.#queue.push(waiting);
    if (this.#timer === null) this.#proceed();
  }

  update(settings: ToxicKind): void {
    this.#settings = settings as Settings<Kind>;
  }

  release(): void {
    const held = this.#queue.slice(this.#first);
    this.stop();
    for (const { item } of held) this.#world.pass(item);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#queue = [];
    this.#first = 0;
  }

  #proceed(): void {
    for (let first = this.#queue[this.#first]; first !== undefined; first = this.#queue[this.#first]) {
      const { kind, ms } = first.wait;
      const waitMs = kind === 'at' ? ms - this.#world.time.clock.monotonicMs() : ms;
      if (waitMs > 0) {
        this.#timer = this.#world.time.timers.after(waitMs, () => {
          this.#timer = null;
          this.#passFirst();
          this.#proceed();
        });
        return;
      }
      this.#passFirst();
    }
  }

  #passFirst(): void {
    const first = this.#queue[this.#first];
    if (first === undefined) return;
    this.#first += 1;
    if (this.#first === this.#queue.length) {
      this.#queue = [];
      this.#first = 0;
    }
    this.#world.pass(first.item);
  }
}

/** Nothing passes; an end is kept for the day on which the toxic goes. */
class TimeoutStage implements Stage {
  readonly #world: StageSurroundings;
  readonly #bomb: Bomb;
  #end: Item | null = null;

  constructor(world: StageSurroundings, { timeoutMs }: Settings<'timeout'>) {
    this.#world = world;
    this.#bomb = new Bomb(world, 'close', timeoutMs === 0 ? null : timeoutMs);
  }

  start(): void {
    this.#bomb.start();
  }

  accept(item: Item): void {
    if (item.kind === 'data') this.#world.lose(item.bytes.length);
    else this.#end ??= item;
  }

  update(settings: ToxicKind): void {
    const { timeoutMs } = settings as Settings<'timeout'>;
    this.#bomb.restart(timeoutMs === 0 ? null : timeoutMs);
  }

  release(): void {
    this.#bomb.stop();
    if (this.#end !== null) this.#world.pass(this.#end);
  }

  stop(): void {
    this.#bomb.stop();
  }
}

/** Nothing passes until the connection is reset. */
class ResetStage implements Stage {
  readonly #world: StageSurroundings;
  readonly #bomb: Bomb;
  #held: Item[] = [];

  constructor(world: StageSurroundings, { timeoutMs = 0 }: Settings<'reset_peer'>) {
    this.#world = world;
    this.#bomb = new Bomb(world, 'reset', timeoutMs);
  }

  start(): void {
    this.#bomb.start();
  }

  accept(item: Item): void {
    this.#held.push(item);
  }

  update(settings: ToxicKind): void {
    this.#bomb.restart((settings as Settings<'reset_peer'>).timeoutMs ?? 0);
  }

  release(): void {
    const held = this.#held;
    this.stop();
    for (const item of held) this.#world.pass(item);
  }

  stop(): void {
    this.#bomb.stop();
    this.#held = [];
  }
}

/** So many bytes pass, then the connection ends. */
class LimitStage implements Stage {
  readonly #world: StageSurroundings;
  #leftBytes: number;
  #limitBytes: number;
  #cut = false;

  constructor(world: StageSurroundings, { bytes }: Settings<'limit_data'>) {
    this.#world = world;
    this.#limitBytes = bytes;
    this.#leftBytes = bytes;
  }

  start(): void {
    this.#cutWhenFull();
  }

  accept(item: Item): void {
    if (item.kind !== 'data') {
      if (!this.#cut) this.#world.pass(item);
      return;
    }
    const passing = item.bytes.subarray(0, this.#leftBytes);
    this.#leftBytes -= passing.length;
    if (passing.length > 0) this.#world.pass({ kind: 'data', bytes: passing });
    if (passing.length < item.bytes.length) this.#world.lose(item.bytes.length - passing.length);
    this.#cutWhenFull();
  }

  update(settings: ToxicKind): void {
    const { bytes } = settings as Settings<'limit_data'>;
    this.#leftBytes = Math.max(0, this.#leftBytes + bytes - this.#limitBytes);
    this.#limitBytes = bytes;
    this.#cutWhenFull();
  }

  release(): void {
    // It holds nothing.
  }

  stop(): void {
    // It holds nothing.
  }

  #cutWhenFull(): void {
    if (this.#leftBytes > 0 || this.#cut) return;
    this.#cut = true;
    this.#world.pass({ kind: 'cut' });
  }
}

/** Breaks the connection off after a time; null: never. */
class Bomb {
  readonly #world: StageSurroundings;
  readonly #how: 'close' | 'reset';
  #delayMs: number | null;
  #timer: TimerHandle | null = null;

  constructor(world: StageSurroundings, how: 'close' | 'reset', delayMs: number | null) {
    this.#world = world;
    this.#how = how;
    this.#delayMs = delayMs;
  }

  start(): void {
    if (this.#delayMs === null) return;
    if (this.#delayMs === 0) this.#world.breakOff(this.#how);
    else this.#timer = this.#world.time.timers.after(this.#delayMs, () => this.#world.breakOff(this.#how));
  }

  restart(delayMs: number | null): void {
    this.stop();
    this.#delayMs = delayMs;
    this.start();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }
}
