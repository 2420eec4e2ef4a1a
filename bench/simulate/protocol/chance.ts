// Choices and the hash of one run: fast, and a function of the seed alone.
//
// Owns:    the generator (sfc32 over a scrambled seed) and the running hash of a trace.
// Not:     what is chosen.
//
// A1. The same seed gives the same numbers on every platform: only 32-bit integer arithmetic.

export class Chance {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number, purpose: number) {
    this.#a = mix(seed ^ 0x9e3779b9);
    this.#b = mix((seed + Math.imul(purpose, 0x85ebca6b)) | 0);
    this.#c = mix(this.#a ^ this.#b ^ purpose);
    // Neighbouring seeds start out alike; a dozen rounds part them.
    for (let round = 0; round < 12; round += 1) this.bits();
  }

  /** 32 bits, unsigned. */
  bits(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** A whole number in [0, bound). */
  below(bound: number): number {
    return Math.floor((this.bits() / 4_294_967_296) * bound);
  }

  /** A whole number in [from, to]. */
  between(from: number, to: number): number {
    return from + this.below(to - from + 1);
  }

  /** True with this probability. */
  of(probability: number): boolean {
    return this.bits() < probability * 4_294_967_296;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }
}

/** Order matters: the same events in another order have another hash. */
export class TraceHash {
  #value = 0x811c9dc5;

  add(number: number): void {
    this.#value = Math.imul(this.#value ^ number, 0x01000193);
    this.#value ^= this.#value >>> 15;
  }

  get hex(): string {
    return (mix(this.#value) >>> 0).toString(16).padStart(8, '0');
  }
}

function mix(input: number): number {
  let value = Math.imul(input ^ (input >>> 16), 0x7feb352d);
  value = Math.imul(value ^ (value >>> 15), 0x846ca68b);
  return value ^ (value >>> 16);
}
