// From faults as they are written, with references to each other, to a plan, with indices.
//
// Owns:    the tree behind a spec, combining, drawing, and numbering.
// Not:     what a single fault can be told (built-fault.ts).
//
// S1. A reference is to a spec object; it becomes the index of the first place of that object in the list.
// S2. What waits for a fault that was not drawn is left out too: it could never fire.

import { ConfigError } from '../base/errors.js';
import { PLAN_VERSION, type Plan, type PlannedFault } from './plan.js';
import type { FaultSpec } from './scenario-options.js';

/** A fault and what it waits for, before there are indices. */
export interface FaultLeaf {
  readonly kind: 'fault';
  /** Without `after`; its trigger is replaced when `during` is given. */
  readonly fault: PlannedFault;
  readonly during: FaultSpec | null;
  readonly after: FaultSpec | null;
}

export interface Combination {
  readonly kind: 'seq' | 'all' | 'oneOf';
  readonly specs: readonly FaultSpec[];
}

/** A spec whose references are still objects. */
export class TreeSpec<out N extends string = string> implements FaultSpec<N> {
  declare readonly names?: N;
  readonly tree: FaultLeaf | Combination;

  constructor(tree: FaultLeaf | Combination) {
    this.tree = tree;
  }

  planned(choose: (bound: number) => number): readonly PlannedFault[] {
    return planOf([this], choose).faults;
  }
}

/**
 * The plan of a list of faults. `choose` draws a whole number from 0 up to, but without, the bound: which one of `oneOf`.
 * Throws ConfigError when a fault waits for one that is not in the list.
 */
export function planOf(specs: readonly FaultSpec[], choose: (bound: number) => number): Plan {
  const draft = new PlanDraft(choose);
  for (const spec of specs) draft.add(spec, null);
  return { version: PLAN_VERSION, faults: draft.faults() };
}

/** A fault on its way into the plan. `null`: waits for nothing. */
interface Row {
  readonly fault: PlannedFault;
  readonly after: Row | FaultSpec | null;
  readonly during: Row | FaultSpec | null;
}

/** The fault after which a spec is over: one, none, or several of which no single one is the last. */
type End = Row | 'none' | 'many';

class PlanDraft {
  private readonly rows: Row[] = [];
  private readonly ends = new Map<FaultSpec, End>();
  /** Everything in the list, drawn or not. */
  private readonly listed = new Set<FaultSpec>();
  private readonly choose: (bound: number) => number;

  constructor(choose: (bound: number) => number) {
    this.choose = choose;
  }

  /** Adds the faults of the spec; those that wait for nothing else wait for `after`. */
  add(spec: FaultSpec, after: Row | null): End {
    this.list(spec);
    const end = this.addTree(spec, after);
    if (!this.ends.has(spec)) this.ends.set(spec, end);
    return end;
  }

  faults(): readonly PlannedFault[] {
    const waits = this.rows.map((row) => ({
      row,
      after: this.resolved(row, row.after, 'after'),
      during: this.resolved(row, row.during, 'during'),
    }));
    const kept = new Set<Row | 'undrawn' | null>([null, ...this.rows]);
    for (let before = -1; before !== kept.size; ) {
      before = kept.size;
      for (const { row, after, during } of waits) {
        if (!kept.has(after) || !kept.has(during)) kept.delete(row);
      }
    }
    const alive = waits.filter(({ row }) => kept.has(row));
    const index = new Map(alive.map(({ row }, place): [Row | 'undrawn' | null, number] => [row, place]));
    return alive.map(({ row, after, during }) =>
      numbered(row.fault, index.get(after) ?? null, index.get(during) ?? null),
    );
  }

  private addTree(spec: FaultSpec, after: Row | null): End {
    if (!(spec instanceof TreeSpec)) return this.addForeign(spec, after);
    const { tree } = spec;
    switch (tree.kind) {
      case 'fault':
        return this.addLeaf(tree, after);
      case 'seq':
        return this.addSequence(tree.specs, after);
      case 'all':
        return single(tree.specs.map((one) => this.add(one, after)));
      case 'oneOf':
        return this.addDrawn(tree.specs, after);
    }
  }

  private addLeaf(leaf: FaultLeaf, after: Row | null): Row {
    if (after !== null && leaf.after !== null) {
      throw new ConfigError(`${describe(leaf.fault)} has an \`after\` of its own inside \`fault.seq\`.`, {
        remedy: 'A fault waits for one other: take it out of the sequence, or leave `after` out.',
      });
    }
    const row = { fault: leaf.fault, after: after ?? leaf.after, during: leaf.during };
    this.rows.push(row);
    return row;
  }

  private addSequence(specs: readonly FaultSpec[], after: Row | null): End {
    let end: End = 'none';
    for (const spec of specs) {
      if (end === 'many') {
        throw new ConfigError(
          '`fault.seq` can only go on after a single fault, and `fault.all` is several.',
          {
            remedy: 'Put `fault.all` last, or wait for one of its faults with `.after(...)`.',
          },
        );
      }
      const next: End = this.add(spec, end === 'none' ? after : end);
      if (next !== 'none') end = next;
    }
    return end;
  }

  private addDrawn(specs: readonly FaultSpec[], after: Row | null): End {
    for (const spec of specs) this.list(spec);
    const drawn = specs[this.choose(specs.length)];
    if (drawn === undefined) {
      throw new ConfigError(`\`choose\` must draw a whole number below its bound of ${specs.length}.`);
    }
    return this.add(drawn, after);
  }

  // A spec that somebody else wrote: its indices count from its own first fault.
  private addForeign(spec: FaultSpec, after: Row | null): End {
    const faults = spec.planned(this.choose);
    const made: { fault: PlannedFault; after: Row | FaultSpec | null; during: Row | null }[] = faults.map(
      (fault) => ({ fault, after, during: null }),
    );
    for (const row of made) {
      const { after: own, trigger } = row.fault;
      if (own !== undefined) row.after = local(made, own, row.fault);
      if (trigger.kind === 'during') row.during = local(made, trigger.fault, row.fault);
    }
    this.rows.push(...made);
    return single(made);
  }

  private list(spec: FaultSpec): void {
    if (this.listed.has(spec)) return;
    this.listed.add(spec);
    if (!(spec instanceof TreeSpec) || spec.tree.kind === 'fault') return;
    for (const one of spec.tree.specs) this.list(one);
  }

  private resolved(row: Row, wanted: Row | FaultSpec | null, how: string): Row | 'undrawn' | null {
    if (wanted === null || 'fault' in wanted) return wanted;
    const end = this.ends.get(wanted);
    if (end === 'many') {
      throw new ConfigError(`${describe(row.fault)} waits by \`${how}\` for several faults at a time.`, {
        remedy: 'Name the one of them that it is to wait for.',
      });
    }
    if (end !== undefined && end !== 'none') return end;
    if (this.listed.has(wanted)) return 'undrawn';
    throw new ConfigError(
      `${describe(row.fault)} waits by \`${how}\` for ${describeSpec(wanted)}, which is not in the list of faults.`,
      { remedy: 'Put that very object into the list; each call of the builder makes a new one.' },
    );
  }
}

function single(ends: readonly End[]): End {
  const some = ends.filter((end) => end !== 'none');
  return some.length > 1 ? 'many' : (some[0] ?? 'none');
}

function local(rows: readonly Row[], index: number, fault: PlannedFault): Row {
  const row = rows[index];
  if (row !== undefined) return row;
  throw new ConfigError(`${describe(fault)} waits for fault ${index} of a list of ${rows.length}.`);
}

function numbered(fault: PlannedFault, after: number | null, during: number | null): PlannedFault {
  return {
    ...fault,
    ...(during === null ? {} : { trigger: { kind: 'during', fault: during } }),
    ...(after === null ? {} : { after }),
  };
}

function describeSpec(spec: FaultSpec): string {
  if (!(spec instanceof TreeSpec)) return 'a fault';
  return spec.tree.kind === 'fault' ? describe(spec.tree.fault) : `a \`fault.${spec.tree.kind}\``;
}

function describe(fault: PlannedFault): string {
  return `the fault ${fault.kind} on "${fault.target}"`;
}
