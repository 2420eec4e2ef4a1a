// A random tree of supervisors and workers, and what is done to it: drawn from a seed.
//
// Owns:    the shapes of trees and the deeds.
// Not:     playing them (tree-play.ts).

import type { Spec, SupervisorSpec } from '../../../test/kernel/otp-reference.js';
import type { Chance } from '../protocol/chance.js';

/** What happens next; `pick` chooses among those whom it can happen to. */
export type TreeDeed =
  | { readonly kind: 'crash'; readonly pick: number; readonly siblings: readonly number[] }
  | { readonly kind: 'escalate'; readonly pick: number }
  | { readonly kind: 'end'; readonly pick: number }
  | { readonly kind: 'stop'; readonly pick: number }
  | { readonly kind: 'pass'; readonly ms: number };

const DEPTH_MAX = 2;
const CHILDREN_MAX = 4;
const DEEDS_MAX = 15;
const PICKS = 1_000;

export function drawTree(chance: Chance): Spec {
  const children = Array.from({ length: chance.between(1, CHILDREN_MAX) }, (_, at) =>
    drawNode(chance, `t.${at}`, DEPTH_MAX),
  );
  return {
    name: 't',
    restart: 'temporary',
    significant: false,
    failingStarts: [],
    supervisor: { ...drawSettings(chance), children },
  };
}

export function drawDeeds(chance: Chance): readonly TreeDeed[] {
  return Array.from({ length: chance.between(1, DEEDS_MAX) }, () => drawDeed(chance));
}

function drawNode(chance: Chance, name: string, depth: number): Spec {
  const restart = chance.pick(['permanent', 'permanent', 'transient', 'temporary'] as const);
  // Most are workers, or the trees would be too large for their failures to meet.
  const count = depth > 0 && chance.of(0.35) ? chance.below(CHILDREN_MAX + 1) : 0;
  const children = Array.from({ length: count }, (_, at) => drawNode(chance, `${name}.${at}`, depth - 1));
  return {
    name,
    restart,
    significant: chance.of(0.5) && restart !== 'permanent',
    failingStarts: drawFailingStarts(chance),
    supervisor: count === 0 ? null : { ...drawSettings(chance), children },
  };
}

function drawSettings(chance: Chance): Omit<SupervisorSpec, 'children'> {
  return {
    strategy: chance.pick(['oneForOne', 'oneForAll', 'restForOne'] as const),
    restartsMax: chance.below(5),
    periodMs: chance.pick([50, 100]),
    autoShutdown: chance.pick(['never', 'anySignificant', 'allSignificant'] as const),
    decides: chance.of(0.5),
  };
}

function drawFailingStarts(chance: Chance): readonly number[] {
  const kind = chance.below(7);
  if (kind < 4) return [];
  const from = kind < 6 ? 2 : 1;
  return [...new Set(Array.from({ length: chance.below(4) }, () => chance.between(from, from + 3)))];
}

function drawDeed(chance: Chance): TreeDeed {
  const pick = chance.below(PICKS);
  const kind = chance.below(13);
  if (kind < 6) {
    return {
      kind: 'crash',
      pick,
      siblings: Array.from({ length: chance.below(4) }, () => chance.below(PICKS)),
    };
  }
  if (kind < 8) return { kind: 'end', pick };
  if (kind < 9) return { kind: 'stop', pick };
  if (kind < 10) return { kind: 'escalate', pick };
  return { kind: 'pass', ms: chance.pick([1, 30, 50, 51, 100, 120]) };
}
