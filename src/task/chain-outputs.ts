// Where the operators of a chain put their results: into the next operator, or into an outgoing edge.
//
// Owns:    turning targets into plain functions, once, so that an emission is one call.
// Not:     the order of calls (chain.ts), channels (outbox.ts).

import { present } from '../base/assert.js';
import { deepFreeze } from '../base/freeze.js';
import type { Operator, Output } from '../operators/operator.js';
import type { Outbox } from './outbox.js';

export interface ChainTarget {
  readonly kind: 'chained' | 'edge';
  /** Index of the chained operator, or of the outgoing edge. */
  readonly index: number;
}

/** What an operator of the chain needs to emit. */
interface Emitting {
  readonly operator: Operator;
  readonly main: readonly ChainTarget[];
  readonly sides: ReadonlyMap<string, readonly ChainTarget[]>;
}

type Send = (value: unknown, timestamp: number) => void;

/** `freezes`: records are frozen before anybody gets them, since others may get them as well (development). */
export function outputOf(
  link: Emitting,
  links: readonly Emitting[],
  outbox: Outbox,
  freezes: boolean,
): Output {
  const send = (targets: readonly ChainTarget[]): Send =>
    freezes ? freezing(sender(targets, links, outbox)) : sender(targets, links, outbox);
  const main = send(link.main);
  const sides = new Map([...link.sides].map(([tag, targets]) => [tag, send(targets)]));
  const { room } = outbox;
  return {
    emit: main,
    // A tag that nobody asked for is a side output without consumer: its records have nowhere to go.
    side: (tag, value, timestamp) => sides.get(tag)?.(value, timestamp),
    get full() {
      return room.full;
    },
  };
}

/** All targets of an operator, side outputs included. */
export function targetsOf(link: Pick<Emitting, 'main' | 'sides'>): ChainTarget[] {
  return [...link.main, ...[...link.sides.values()].flat()];
}

/** Indices of the operators that records of this one can reach within the chain. */
export function linksBelow(
  links: readonly Pick<Emitting, 'main' | 'sides'>[],
  index: number,
): ReadonlySet<number> {
  const found = new Set<number>();
  const visit = (from: number): void => {
    for (const target of targetsOf(present(links[from], 'a link of the chain'))) {
      if (target.kind !== 'chained' || found.has(target.index)) continue;
      found.add(target.index);
      visit(target.index);
    }
  };
  visit(index);
  return found;
}

function sender(targets: readonly ChainTarget[], links: readonly Emitting[], outbox: Outbox): Send {
  const each = targets.map((target): Send => {
    if (target.kind === 'edge') return outbox.emitter(target.index);
    const { operator } = present(links[target.index], 'a chained target');
    return (value, timestamp) => operator.onRecord(value, timestamp);
  });
  const [first, second] = each;
  if (first === undefined) return discard;
  if (second === undefined) return first;
  return (value, timestamp) => {
    for (const send of each) send(value, timestamp);
  };
}

function freezing(send: Send): Send {
  return (value, timestamp) => send(deepFreeze(value), timestamp);
}

function discard(): void {
  // Only a side output is consumed: the main output of this operator leads nowhere.
}
