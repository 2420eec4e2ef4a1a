// What the contract kits of sources and sinks share: driving a connector on any runtime, and saying what it broke.
//
// Owns:    waiting on virtual and on real time, seeded choices, the message of a breach.
// Not:     the contracts (source-contract.ts, sink-contract.ts).

import { inspect, isDeepStrictEqual } from 'node:util';
import { decode, encode } from '../base/codec.js';
import { randomBelow, randomStream } from '../base/random-stream.js';
import type { RandomStream, Runtime } from '../base/runtime.js';
import type { VirtualRuntime } from './virtual-runtime.js';

/** A connector does not keep its contract. `seed` with `runs: 1` shows it again. */
export class ContractViolation extends Error {
  override readonly name = 'ContractViolation';
  readonly seed: number;

  constructor(kit: string, seed: number, broken: string, options: { readonly cause?: unknown } = {}) {
    super(`${broken}\n  To see it again: ${kit}(..., { seed: ${seed}, runs: 1 })`, options);
    this.seed = seed;
  }
}

/** One seeded run of a kit against one runtime. */
export class ContractRun {
  readonly seed: number;
  runtime: Runtime;
  private readonly kit: string;
  private readonly random: RandomStream;

  constructor(kit: string, seed: number, runtime: Runtime) {
    this.kit = kit;
    this.seed = seed;
    this.runtime = runtime;
    this.random = randomStream(seed, kit);
  }

  /** A whole number in [0, bound). */
  below(bound: number): number {
    return randomBelow(this.random, bound);
  }

  chance(probability: number): boolean {
    return this.random.next() < probability;
  }

  /** Drives virtual time until the promise has settled; on a real runtime it just waits. */
  async settle<T>(what: string, pending: T | Promise<T>): Promise<T> {
    const { runtime } = this;
    if (!(pending instanceof Promise) || !isVirtual(runtime)) return await pending;
    let settled = false;
    const mark = (): void => {
      settled = true;
    };
    pending.then(mark, mark);
    await runtime.run(() => settled);
    if (!settled) throw this.violation(`${what} never settles: nothing is left that could make it.`);
    return await pending;
  }

  /** Drives the work under way for some steps only, as if the process were about to be killed. Virtual runtimes only. */
  async someSteps(stepsMax: number): Promise<void> {
    const { runtime } = this;
    if (!isVirtual(runtime)) return;
    const target = runtime.steps + this.below(stepsMax);
    await runtime.run(() => runtime.steps >= target);
  }

  async pass(ms: number): Promise<void> {
    const { runtime } = this;
    if (isVirtual(runtime)) return await runtime.advance(ms);
    await new Promise<void>((resolve) => {
      runtime.timers.after(ms, resolve);
    });
  }

  check(condition: boolean, broken: () => string): void {
    if (!condition) throw this.violation(broken());
  }

  violation(broken: string, cause?: unknown): ContractViolation {
    return new ContractViolation(this.kit, this.seed, broken, { cause });
  }

  /** The value as a checkpoint would give it back. */
  stored<T>(what: string, value: T): T {
    let restored: unknown;
    try {
      restored = decode(encode(value));
    } catch (cause) {
      throw this.violation(`${what} cannot be stored in a checkpoint: ${show(value)}.`, cause);
    }
    this.check(isDeepStrictEqual(restored, value), () => {
      return `${what} comes back from a checkpoint as something else: ${show(value)} became ${show(restored)}.`;
    });
    return restored as T;
  }
}

export function isVirtual(runtime: Runtime): runtime is VirtualRuntime {
  return 'advance' in runtime && 'crashProcess' in runtime;
}

/** The first difference of two sequences in words, or null. */
export function firstDifference(expected: readonly unknown[], got: readonly unknown[]): string | null {
  const length = Math.max(expected.length, got.length);
  for (let index = 0; index < length; index += 1) {
    if (index >= got.length) return `record ${index} is missing: ${show(expected[index])}`;
    if (index >= expected.length) return `record ${index} is one too many: ${show(got[index])}`;
    if (isDeepStrictEqual(expected[index], got[index])) continue;
    return `record ${index} is ${show(got[index])} instead of ${show(expected[index])}`;
  }
  return null;
}

/** What is lost and what is too much in `got`, in any order; null when nothing is. */
export function bagDifference(expected: readonly unknown[], got: readonly unknown[]): string | null {
  const counts = new Map<string, number>();
  for (const value of expected) bump(counts, show(value), 1);
  for (const value of got) bump(counts, show(value), -1);
  const lost = [...counts].filter(([, count]) => count > 0).map(([text]) => text);
  const extra = [...counts].filter(([, count]) => count < 0).map(([text]) => text);
  if (lost.length === 0 && extra.length === 0) return null;
  return `missing ${some(lost)}; too many ${some(extra)}`;
}

export function show(value: unknown): string {
  return inspect(value, { depth: 6, breakLength: Number.POSITIVE_INFINITY, compact: true });
}

function some(texts: readonly string[]): string {
  if (texts.length === 0) return 'none';
  return texts.length > 5 ? `${texts.slice(0, 5).join(', ')} and ${texts.length - 5} more` : texts.join(', ');
}

function bump(counts: Map<string, number>, key: string, delta: number): void {
  counts.set(key, (counts.get(key) ?? 0) + delta);
}
