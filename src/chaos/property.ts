// Properties: statements inside the program under test about what must, may or must never happen.
//
// Owns:    the five kinds, the log of one run, and which run is in progress.
// Not:     judging over many runs that a `sometimes` never held (vacuity.ts).
//
// P1. Outside of a simulated run a property costs one comparison and does nothing.
// P2. Runs follow one another in a thread, so one variable says which is in progress.
// P3. A broken `always` or `unreachable` is a violation at once, once per name: the first time is the one to look at.
// P4. A property never throws into the program: that would change the run that it observes.

import { assert } from '../base/assert.js';
import { messageOf } from '../base/errors.js';
import type { PropertyCount, Violation } from './execution.js';

export type PropertyKind = PropertyCount['kind'];

/** Values that explain a broken property, or a function that makes them only then. */
export type PropertyDetails = Readonly<Record<string, unknown>> | (() => Readonly<Record<string, unknown>>);

/** What the properties of a program said in one run. */
export class PropertyLog {
  readonly #counts = new Map<string, { kind: PropertyKind; held: number; failed: number }>();
  readonly #violations: Violation[] = [];
  readonly #violated = new Set<string>();

  get counts(): ReadonlyMap<string, PropertyCount> {
    return new Map([...this.#counts].map(([name, count]) => [name, { ...count }]));
  }

  get violations(): readonly Violation[] {
    return [...this.#violations];
  }

  /** The property exists, although nothing has evaluated it yet: without this, what is never reached would not be missed. */
  declare(kind: PropertyKind, name: string): void {
    this.#countOf(kind, name);
  }

  evaluated(kind: PropertyKind, name: string, condition: boolean, details?: PropertyDetails): void {
    const count = this.#countOf(kind, name);
    if (count === null) return;
    if (condition) {
      count.held += 1;
      return;
    }
    count.failed += 1;
    if (kind === 'sometimes' || kind === 'reachable') return;
    const what = kind === 'unreachable' ? 'was reached, and must never be' : 'does not hold';
    this.#violation(`${kind} ${name}`, `"${name}" ${what}.`, details);
  }

  /** Null: the name belongs to another kind. */
  #countOf(kind: PropertyKind, name: string): { kind: PropertyKind; held: number; failed: number } | null {
    const known = this.#counts.get(name);
    if (known === undefined) {
      const fresh = { kind, held: 0, failed: 0 };
      this.#counts.set(name, fresh);
      return fresh;
    }
    if (known.kind === kind) return known;
    this.#violation(
      `property ${name}`,
      `"${name}" is used as ${known.kind} and as ${kind}; give each property a name of its own.`,
    );
    return null;
  }

  #violation(check: string, message: string, details?: PropertyDetails): void {
    if (this.#violated.has(check)) return;
    this.#violated.add(check);
    this.#violations.push({ check, oracle: null, message, example: shown(details) });
  }
}

let current: PropertyLog | null = null;

/** Properties report to this log until the returned function is called. Logs nest: a run inside a run has its own. */
export function enterPropertyLog(log: PropertyLog): () => void {
  const outer = current;
  current = log;
  return () => {
    assert(current === log, 'property logs are left in the reverse order of entering');
    current = outer;
  };
}

export async function withPropertyLog<T>(log: PropertyLog, work: () => Promise<T> | T): Promise<T> {
  const leave = enterPropertyLog(log);
  try {
    return await work();
  } finally {
    leave();
  }
}

/** For checks: the property is expected in this run's program, whether or not it comes by. */
export function declareProperty(kind: PropertyKind, name: string): void {
  current?.declare(kind, name);
}

interface Properties {
  /** Must hold whenever it is evaluated, and must be evaluated at least once in an exploration. */
  always(name: string, condition: boolean, details?: PropertyDetails): void;
  /** Must hold whenever it is evaluated; code that is never reached is fine. */
  alwaysOrUnreachable(name: string, condition: boolean, details?: PropertyDetails): void;
  /** Must hold at least once in an exploration: proves that the rare case was tested. */
  sometimes(name: string, condition: boolean): void;
  /** This line must be reached at least once in an exploration. */
  reachable(name: string): void;
  /** This line must never be reached. */
  unreachable(name: string, details?: PropertyDetails): void;
}

/**
 * Statements about the program, to be written into its code or its tests. They are judged in simulated runs and do nothing
 * elsewhere. A name belongs to one property.
 */
export const property: Properties = {
  always(name, condition, details) {
    if (current !== null) current.evaluated('always', name, condition, details);
  },
  alwaysOrUnreachable(name, condition, details) {
    if (current !== null) current.evaluated('alwaysOrUnreachable', name, condition, details);
  },
  sometimes(name, condition) {
    if (current !== null) current.evaluated('sometimes', name, condition);
  },
  reachable(name) {
    if (current !== null) current.evaluated('reachable', name, true);
  },
  unreachable(name, details) {
    if (current !== null) current.evaluated('unreachable', name, false, details);
  },
};

function shown(details: PropertyDetails | undefined): readonly string[] {
  if (details === undefined) return [];
  try {
    const values = typeof details === 'function' ? details() : details;
    return Object.entries(values).map(([name, value]) => `${name}=${text(value)}`);
  } catch (error) {
    // P4: the property is broken all the same, and that is the finding.
    return [`details failed: ${messageOf(error)}`];
  }
}

function text(value: unknown): string {
  if (typeof value === 'bigint') return `${value}n`;
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value);
}
