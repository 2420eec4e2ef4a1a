// One seed of the tree simulation: a random tree against the reference, and a random program of messages.
//
// Owns:    what a seed consists of, its hash, its verdict.
// Not:     playing (tree-play.ts, message-play.ts).
//
// R1. A run is a function of its seed: virtual time, seeded choices, and the hash of all that was seen.

import { Chance, TraceHash } from '../protocol/chance.js';
import { playMessages } from './message-play.js';
import { TreeCounts, type TreeFault, type TreeViolation } from './tree-counts.js';
import { drawDeeds, drawTree } from './tree-plan.js';
import { playTree } from './tree-play.js';

export interface TreeRun {
  readonly seed: number;
  readonly violations: readonly TreeViolation[];
  /** Equal for equal runs. */
  readonly hash: string;
  readonly counts: {
    readonly steps: number;
    readonly restarts: number;
    readonly messages: number;
    readonly deadLetters: number;
    readonly asks: number;
    readonly lateReplies: number;
    readonly faults: Readonly<Partial<Record<TreeFault, number>>>;
  };
}

const TREE_PURPOSE = 1;
const MESSAGES_PURPOSE = 2;

export async function treeRun(seed: number): Promise<TreeRun> {
  const counts = new TreeCounts();
  const hash = new TraceHash();
  const chance = new Chance(seed, TREE_PURPOSE);
  const tree = drawTree(chance);
  try {
    const { difference, log } = await playTree(tree, drawDeeds(chance), counts);
    if (difference !== null) counts.violate('O10', 'supervision', difference);
    for (const line of log) addText(hash, line);
    await playMessages(seed, new Chance(seed, MESSAGES_PURPOSE), counts);
  } catch (error) {
    counts.violate(
      'O7',
      'unexpected',
      error instanceof Error ? (error.stack ?? error.message) : String(error),
    );
  }
  const { violations, faults, ...rest } = counts;
  const { steps, restarts, messages, deadLetters, asks, lateReplies } = rest;
  const numbers = { steps, restarts, messages, deadLetters, asks, lateReplies };
  for (const number of [...Object.values(numbers), ...faults.values()]) hash.add(number);
  return { seed, violations, hash: hash.hex, counts: { ...numbers, faults: Object.fromEntries(faults) } };
}

function addText(hash: TraceHash, text: string): void {
  for (let index = 0; index < text.length; index += 1) hash.add(text.charCodeAt(index));
}
