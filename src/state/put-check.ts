// What may be put into a state, and becomes of it there.
//
// Owns:    refusing what would not come back from a checkpoint, when it is put; freezing, in development.
// Not:     which values are data (value-graph.ts), changes that are made later (lent-values.ts).
//
// P1. In development every value is checked through and through, accumulators, which only grow, more and more rarely. In
//     production the first value is, and the first of every other class; what else would not come back is refused by the
//     snapshot, or, where plain-scan.ts does not look, lost.
// P2. A value is a value: who puts one into state must not change it afterwards. Frozen plain data cannot be changed.

import { checkStorable, encode } from '../base/codec.js';
import { CodecError, type ErrorPlace, StateError } from '../base/errors.js';
import { deepFreeze } from '../base/freeze.js';
import type { LentValues } from './lent-values.js';

/** Of each state, in development. */
const ACCUMULATORS_CHECKED = 256;

export class PutCheck {
  private readonly state: string;
  private readonly place: ErrorPlace;
  private readonly development: boolean;
  private readonly lent: LentValues | null;
  /** Of the values that were checked; production only. */
  private readonly prototypes = new Set<unknown>();
  private lastPrototype: unknown = undefined;
  private checks = 0;

  /** `state`: how messages call it, such as `State "total"`. */
  constructor(state: string, place: ErrorPlace, development: boolean, lent: LentValues | null) {
    this.state = state;
    this.place = place;
    this.development = development;
    this.lent = lent;
  }

  /** Before a value is put: throws StateError when it would not come back. Freezes it in development. */
  admit(value: unknown): void {
    if (!this.development) return this.check(value);
    if (value === null || typeof value === 'number' || typeof value === 'string') return;
    this.checkThrough(value);
    if (typeof value !== 'object') return;
    deepFreeze(value);
    this.lent?.put(value);
  }

  /** As `admit`, for a value that is put again and again while it grows, such as an accumulator; does not freeze it. */
  check(value: unknown): void {
    if (typeof value === 'object' && value !== null) {
      if (this.development && this.isSampled()) return this.checkThrough(value);
      const prototype: unknown = Object.getPrototypeOf(value);
      if (prototype === this.lastPrototype) return;
      if (!this.prototypes.has(prototype)) this.checkThrough(value);
      this.prototypes.add(prototype);
      this.lastPrototype = prototype;
    } else if (typeof value === 'function' || typeof value === 'symbol') {
      this.checkThrough(value);
    }
  }

  /** The first ones, and then twice as many apart each time: a list of n elements must not be walked through n times. */
  private isSampled(): boolean {
    this.checks += 1;
    return this.checks <= ACCUMULATORS_CHECKED || (this.checks & (this.checks - 1)) === 0;
  }

  private checkThrough(value: unknown): void {
    try {
      checkStorable(value);
    } catch (cause) {
      throw notStorable(this.state, this.place, cause);
    }
  }
}

/** `encode` for values of one kind, such as positions: its errors say `what` was to be stored, and whose it is. */
export function encodeAs(what: string, place: ErrorPlace): (value: unknown) => Uint8Array {
  return (value) => {
    try {
      return encode(value);
    } catch (cause) {
      throw notStorable(what, place, cause);
    }
  };
}

/** The error for a value that the codec has refused; `state` as for PutCheck. */
export function notStorable(state: string, place: ErrorPlace, cause: unknown): unknown {
  if (!(cause instanceof CodecError)) return cause;
  return new StateError(
    `${state} is given a value that would not come back from a checkpoint: ${cause.problem}`,
    {
      ...place,
      cause: cause.cause,
      remedy: cause.remedy,
      unrecoverable: true,
    },
  );
}
