// What a run leaves to be restored alone: checkpoints and savepoints, each with the world at the moment in which it became durable.
//
// Owns:    which of them are kept, and the store as it would be if the newer ones had never been.
// Not:     restoring them (restored-alone.ts).
//
// C1. A world is kept for the newest few checkpoints only, which are those that retention may have kept as well.
// C2. Only what the catalog of the store names counts: a manifest of a dead attempt that landed late is nobody's checkpoint.

import { randomBelow, randomStream } from '../base/random-stream.js';
import type { StoreKey } from '../base/runtime.js';
import { decodeStoreKey } from '../base/store-keys.js';
import { MANIFESTS } from '../checkpoint/store-rows.js';
import type { StoreImage } from '../testing/virtual-stores.js';
import type { WorldOutput } from './world-output.js';

export const CHECKPOINTS_DIRECTORY = '/checkpoints';

/** What the knob `shadow` asks for. */
export type Shadow = 'nothing' | 'checkpoint' | 'retained' | 'savepoint';
export const SHADOWS: readonly Shadow[] = ['nothing', 'checkpoint', 'retained', 'savepoint'];

/** A world at the moment in which a checkpoint became durable. */
export interface Moment<R> {
  readonly output: WorldOutput<R>;
  readonly checkpoint: number;
  readonly attempt: number;
  /** Time goes on from there. */
  readonly wallMs: number;
  /** With which the job ran then; null: the one that it began with. */
  readonly parallelism: number | null;
}

export interface Cut<R> {
  readonly store: StoreImage;
  /** The store is a savepoint, to start from in a directory of its own. */
  readonly isSavepoint: boolean;
  readonly at: Moment<R>;
}

const MOMENTS_MAX = 8;
const NTH_MAX = 8;
/** Of those retained, the oldest ones: the newest is restored by every restart. */
const RETAINED_MAX = 2;

export class JobCuts<R> {
  readonly cuts: Cut<R>[] = [];
  readonly #shadow: Shadow;
  /** The checkpoint that counts, by its place among all of them. */
  readonly #nth: number;
  readonly #moments = new Map<number, Moment<R>>();
  #durable = 0;
  #newest = 0;
  /** The savepoint is under way. */
  #asked = false;

  constructor(shadow: Shadow, seed: number) {
    this.#shadow = shadow;
    this.#nth = 1 + randomBelow(randomStream(seed, 'shadow'), NTH_MAX);
  }

  /** A checkpoint has become durable. True: now is the time for a savepoint. */
  durable(store: StoreImage | undefined, moment: () => Moment<R>): boolean {
    if (this.#shadow === 'nothing') return false;
    this.#durable += 1;
    const isNth = this.#durable === this.#nth;
    if (this.#shadow === 'checkpoint') {
      if (isNth && store !== undefined)
        this.cuts.push({ store: store.fork(), isSavepoint: false, at: moment() });
      return false;
    }
    const at = moment();
    this.#newest = Math.max(this.#newest, at.checkpoint);
    if (this.#shadow === 'retained') this.#keep(at);
    if (!isNth || this.#shadow !== 'savepoint') return false;
    this.#asked = true;
    return true;
  }

  /**
   * A subtask has acknowledged a checkpoint or savepoint. A savepoint is no checkpoint of the job, so its moment is that of the last
   * one; if a newer checkpoint is durable by then, the savepoint is behind what was committed.
   */
  acknowledged(checkpoint: number, moment: () => Moment<R>): void {
    if (!this.#asked) return;
    if (checkpoint > this.#newest) this.#keep(moment());
    else this.#moments.delete(checkpoint);
  }

  #keep(at: Moment<R>): void {
    this.#moments.set(at.checkpoint, at);
    for (const oldest of this.#moments.keys()) {
      if (this.#moments.size <= MOMENTS_MAX) break;
      this.#moments.delete(oldest);
    }
  }

  savepoint(store: StoreImage | undefined, checkpoint: number): void {
    const at = this.#moments.get(checkpoint);
    if (store === undefined || at === undefined) return;
    this.#asked = false;
    this.cuts.push({ store: store.fork(), isSavepoint: true, at });
  }

  /** The job is over: what is still there. */
  ended(store: StoreImage | undefined): void {
    if (this.#shadow !== 'retained' || store === undefined) return;
    const manifests = store.rows(MANIFESTS).map(({ key }) => ({ key, name: decodeStoreKey(key) }));
    for (const { name } of manifests.slice(0, RETAINED_MAX)) {
      const at = this.#moments.get(Number(name[0]));
      if (at === undefined || at.attempt !== Number(name[1])) continue;
      const fork = store.fork();
      for (const other of manifests)
        if (isNewer(other.name, name)) fork.damage(MANIFESTS, other.key, () => null);
      this.cuts.push({ store: fork, isSavepoint: false, at });
    }
  }
}

function isNewer(a: StoreKey, b: StoreKey): boolean {
  return Number(a[0]) > Number(b[0]);
}
