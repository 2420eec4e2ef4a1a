// One tree, played on the kernel and on the reference of OTP side by side (O10).
//
// Owns:    the tree on the kernel, its log of starts and stops, and the comparison after every deed.
// Not:     the reference (test/kernel/otp-reference.ts), drawing trees (tree-plan.ts).

import type {
  ActorContext,
  ActorRef,
  ActorSystem,
  Behavior,
  SupervisionOptions,
} from '../../../actors/kernel/actor.js';
import { actorSystem } from '../../../actors/kernel/system.js';
import { type VirtualRuntime, virtualRuntime } from '../../../src/testing/virtual-runtime.js';
import {
  type Node,
  OtpReference,
  type Spec,
  type SupervisorSpec,
} from '../../../test/kernel/otp-reference.js';
import type { TreeCounts } from './tree-counts.js';
import type { TreeDeed } from './tree-plan.js';

/** Answers the first difference between the two logs, or null. */
export async function playTree(
  spec: Spec,
  deeds: readonly TreeDeed[],
  counts: TreeCounts,
): Promise<{ readonly difference: string | null; readonly log: readonly string[] }> {
  const reference = new OtpReference(spec);
  const kernel = new KernelTree(counts);
  await kernel.start(spec);
  if (!reference.top.isAlive) reference.log.push('top did not start');
  for (const deed of deeds) {
    reference.nowMs = kernel.runtime.nowMs;
    await perform(deed, reference, kernel, counts);
    const alive = reference.living().map(({ spec: { name } }) => name);
    const found = everybody(spec).filter((name) => kernel.isUp(name));
    reference.log.push(`${deed.kind}: ${alive.sort().join(' ')}`);
    kernel.log.push(`${deed.kind}: ${found.sort().join(' ')}`);
  }
  counts.steps += kernel.runtime.steps;
  counts.restarts += Math.max(
    0,
    kernel.log.filter((line) => line.startsWith('+')).length - everybody(spec).length,
  );
  return { difference: differenceOf(reference.log, kernel.log), log: kernel.log };
}

class KernelTree {
  readonly log: string[] = [];
  readonly runtime: VirtualRuntime = virtualRuntime({ seed: 1, busyStepsPerMs: 1_000_000_000 });
  readonly system: ActorSystem = actorSystem({ runtime: this.runtime, host: 'dispatch' });
  readonly #counts: TreeCounts;
  readonly #refs: Map<string, ActorRef<'end'>> = new Map();
  readonly #starts: Map<string, number> = new Map();

  constructor(counts: TreeCounts) {
    this.#counts = counts;
  }

  async start(spec: Spec): Promise<void> {
    const options = spec.supervisor === null ? {} : { supervision: supervisionOf(spec.supervisor) };
    this.system
      .spawnStarted<'end'>((context) => this.#setup(context, spec), { name: spec.name, ...options })
      .then((ref) => this.#refs.set(spec.name, ref))
      .catch(() => this.log.push('top did not start'));
    await this.runtime.run();
  }

  ref(name: string): ActorRef<'end'> | undefined {
    return this.#refs.get(name);
  }

  isUp(name: string): boolean {
    const parts = name.split('.');
    const path = parts.map((_, at) => parts.slice(0, at + 1).join('.')).join('/');
    return this.system.find(`/${path}`) !== null;
  }

  async #setup(context: ActorContext<'end'>, spec: Spec): Promise<Behavior<'end'>> {
    const { name } = spec;
    const count = (this.#starts.get(name) ?? 0) + 1;
    this.#starts.set(name, count);
    this.log.push(`+${name}`);
    if (spec.failingStarts.includes(count)) {
      this.#counts.fault('F06');
      throw new Error(`start ${count} of ${name}`);
    }
    for (const child of spec.supervisor?.children ?? []) {
      const { restart, significant, supervisor } = child;
      const supervision = supervisor === null ? {} : { supervision: supervisionOf(supervisor) };
      const options = { name: child.name, restart, significant, ...supervision };
      this.#refs.set(
        child.name,
        await context.spawnStarted<'end'>((inner) => this.#setup(inner, child), options),
      );
    }
    return {
      onMessage: () => context.stop(),
      postStop: ({ kind }) => {
        if (kind === 'normal') this.log.push(`.${name}`);
        if (kind === 'shutdown') this.log.push(`-${name}`);
      },
    };
  }
}

/** Failures of the kind that nobody deals with. */
class Escalating extends Error {}

function supervisionOf({ decides, children, ...options }: SupervisorSpec): SupervisionOptions {
  if (decides !== true) return options;
  const temporary = children.filter(({ restart }) => restart === 'temporary').map(({ name }) => name);
  return {
    ...options,
    // By the restart type, as without a policy.
    decide: ({ child, error }) => {
      if (error instanceof Escalating) return 'escalate';
      return temporary.includes(child.slice(child.lastIndexOf('/') + 1)) ? 'stop' : 'restart';
    },
  };
}

async function perform(
  deed: TreeDeed,
  reference: OtpReference,
  kernel: KernelTree,
  counts: TreeCounts,
): Promise<void> {
  if (deed.kind === 'pass') return kernel.runtime.advance(deed.ms);
  const living = reference.living();
  const candidates = candidatesFor(deed.kind, living);
  const target = candidates[deed.pick % Math.max(1, candidates.length)];
  const ref = target === undefined ? undefined : kernel.ref(target.spec.name);
  if (target === undefined || ref === undefined) return;
  if (deed.kind === 'end') {
    reference.end(target);
    ref.control('end');
  } else if (deed.kind === 'stop') {
    reference.stop(target);
    void kernel.system.stop(ref);
  } else if (deed.kind === 'escalate') {
    counts.fault('F07');
    reference.escalate(target);
    kernel.system.crash(ref, new Escalating('beyond its supervisor'));
  } else {
    crash(target, deed.siblings, reference, kernel, counts);
  }
  await kernel.runtime.run();
}

function candidatesFor(kind: TreeDeed['kind'], living: readonly Node[]): readonly Node[] {
  if (kind === 'end') return living.filter(isWorker);
  if (kind === 'stop') return living.slice(1);
  if (kind === 'escalate') return living.filter(({ parent }) => parent?.spec.supervisor?.decides === true);
  return living;
}

function crash(
  target: Node,
  siblings: readonly number[],
  reference: OtpReference,
  kernel: KernelTree,
  counts: TreeCounts,
): void {
  const mates = canDieTogether(target) ? (target.parent?.children.filter(isWorker) ?? []) : [];
  const others = siblings.map((pick) => mates[pick % Math.max(1, mates.length)] ?? target);
  const together = [...new Set([target, ...others])].filter((dead) => dead.isAlive);
  const refs = together.map(({ spec: { name } }) => kernel.ref(name));
  reference.crash(together);
  for (const dying of refs) {
    counts.fault('F01');
    if (dying !== undefined) kernel.system.crash(dying, new Error('crash'));
  }
}

/** As in test/kernel/supervision-model.test.ts: oneForOne restarts those that die together beside each other, OTP one by one. */
function canDieTogether(target: Node): boolean {
  return isWorker(target) && target.parent?.spec.supervisor?.strategy !== 'oneForOne';
}

function isWorker({ spec }: Node): boolean {
  return spec.supervisor === null;
}

function everybody(spec: Spec): string[] {
  return [spec.name, ...(spec.supervisor?.children ?? []).flatMap(everybody)];
}

function differenceOf(expected: readonly string[], got: readonly string[]): string | null {
  const at = Array.from({ length: Math.max(expected.length, got.length) }).findIndex(
    (_, index) => expected[index] !== got[index],
  );
  if (at < 0) return null;
  return `line ${at}: expected "${expected[at] ?? 'the end'}", got "${got[at] ?? 'the end'}", after "${got.slice(Math.max(0, at - 5), at).join(', ')}"`;
}
