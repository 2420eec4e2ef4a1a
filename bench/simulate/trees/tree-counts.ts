// What a run of the tree simulation has met, and what it found.
//
// Owns:    counts by fault number, and the list of violations.

/** The faults of this simulation, by their numbers in the fault model. */
export const TREE_FAULTS = [
  'F01',
  'F02',
  'F03',
  'F04',
  'F06',
  'F07',
  'F08',
  'F09',
  'F10',
  'F14',
  'F15',
  'F16',
  'F17',
] as const;

export type TreeFault = (typeof TREE_FAULTS)[number];

export interface TreeViolation {
  readonly check: string;
  readonly oracle: string;
  readonly message: string;
}

const VIOLATIONS_MAX = 5;

export class TreeCounts {
  steps = 0;
  restarts = 0;
  messages = 0;
  deadLetters = 0;
  asks = 0;
  lateReplies = 0;
  readonly faults: Map<TreeFault, number> = new Map();
  readonly violations: TreeViolation[] = [];

  fault(number: TreeFault): void {
    this.faults.set(number, (this.faults.get(number) ?? 0) + 1);
  }

  violate(oracle: string, check: string, message: string): void {
    if (this.violations.length < VIOLATIONS_MAX) this.violations.push({ check, oracle, message });
  }
}
