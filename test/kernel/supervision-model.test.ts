// O10: whatever happens in whatever tree, the kernel starts and stops the same actors in the same order as OTP would.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ActorContext, ActorRef, ActorSystem, Behavior } from '../../actors/kernel/actor.js';
import { actorSystem } from '../../actors/kernel/system.js';
import { type VirtualRuntime, virtualRuntime } from '../../src/testing/virtual-runtime.js';
import { type Node, OtpReference, type Spec, type SupervisorSpec } from './otp-reference.js';

/** What happens next; `pick` chooses among those whom it can happen to. */
type Deed =
  | { readonly kind: 'crash'; readonly pick: number; readonly siblings: readonly number[] }
  | { readonly kind: 'end'; readonly pick: number }
  | { readonly kind: 'stop'; readonly pick: number }
  | { readonly kind: 'pass'; readonly ms: number };

/** The same tree on the kernel. */
class KernelTree {
  readonly log: string[] = [];
  readonly runtime: VirtualRuntime = virtualRuntime({ seed: 1, busyStepsPerMs: 1_000_000_000 });
  readonly system: ActorSystem = actorSystem({ runtime: this.runtime, host: 'dispatch' });
  readonly #refs: Map<string, ActorRef<'end'>> = new Map();
  readonly #starts: Map<string, number> = new Map();

  async start(spec: Spec): Promise<void> {
    const options = spec.supervisor === null ? {} : { supervision: spec.supervisor };
    const started = this.system.spawnStarted<'end'>((context) => this.#setup(context, spec), {
      name: spec.name,
      ...options,
    });
    started.then((ref) => this.#refs.set(spec.name, ref)).catch(() => this.log.push('top did not start'));
    await this.runtime.run();
  }

  ref(name: string): ActorRef<'end'> {
    const ref = this.#refs.get(name);
    if (ref === undefined) throw new Error(`${name} was never started`);
    return ref;
  }

  async #setup(context: ActorContext<'end'>, spec: Spec): Promise<Behavior<'end'>> {
    const { name } = spec;
    const count = (this.#starts.get(name) ?? 0) + 1;
    this.#starts.set(name, count);
    this.log.push(`+${name}`);
    if (spec.failingStarts.includes(count)) throw new Error(`start ${count} of ${name}`);
    for (const child of spec.supervisor?.children ?? []) {
      const { restart, significant, supervisor } = child;
      const options = {
        name: child.name,
        restart,
        significant,
        ...(supervisor === null ? {} : { supervision: supervisor }),
      };
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

async function play(
  spec: Spec,
  deeds: readonly Deed[],
): Promise<{ readonly expected: string[]; readonly got: string[] }> {
  const reference = new OtpReference(spec);
  const kernel = new KernelTree();
  await kernel.start(spec);
  if (!reference.top.isAlive) reference.log.push('top did not start');
  for (const deed of deeds) {
    const mark = `--- ${JSON.stringify(deed)}`;
    reference.log.push(mark);
    kernel.log.push(mark);
    reference.nowMs = kernel.runtime.nowMs;
    await perform(deed, reference, kernel);
    const alive = reference.living().map(({ spec: { name } }) => name);
    const found = everybody(spec).filter((name) => isUp(kernel, name));
    reference.log.push(`alive: ${alive.sort().join(' ')}`);
    kernel.log.push(`alive: ${found.sort().join(' ')}`);
  }
  return { expected: reference.log, got: kernel.log };
}

async function perform(deed: Deed, reference: OtpReference, kernel: KernelTree): Promise<void> {
  if (deed.kind === 'pass') return kernel.runtime.advance(deed.ms);
  const living = reference.living();
  const candidates =
    deed.kind === 'end' ? living.filter(isWorker) : deed.kind === 'stop' ? living.slice(1) : living;
  const target = candidates[deed.pick % Math.max(1, candidates.length)];
  if (target === undefined) return;
  const ref = kernel.ref(target.spec.name);
  switch (deed.kind) {
    case 'end':
      reference.end(target);
      ref.control('end');
      break;
    case 'stop':
      reference.stop(target);
      void kernel.system.stop(ref);
      break;
    case 'crash': {
      const mates = canDieTogether(target) ? (target.parent?.children.filter(isWorker) ?? []) : [];
      const others = deed.siblings.map((pick) => mates[pick % Math.max(1, mates.length)] ?? target);
      const together = [...new Set([target, ...others])].filter((dead) => dead.isAlive);
      const refs = together.map(({ spec: { name } }) => kernel.ref(name));
      reference.crash(together);
      for (const dying of refs) kernel.system.crash(dying, new Error('crash'));
    }
  }
  await kernel.runtime.run();
}

/**
 * A supervisor that dies takes a while to stop its children, so that only workers die in the same instant. And
 * oneForOne restarts them beside each other, where OTP finishes the first restart before it looks at the next exit.
 */
function canDieTogether(target: Node): boolean {
  return isWorker(target) && target.parent?.spec.supervisor?.strategy !== 'oneForOne';
}

function isWorker({ spec }: Node): boolean {
  return spec.supervisor === null;
}

function everybody(spec: Spec): string[] {
  return [spec.name, ...(spec.supervisor?.children ?? []).flatMap(everybody)];
}

function isUp(kernel: KernelTree, name: string): boolean {
  const path = `/${name
    .split('.')
    .map((_, at, parts) => parts.slice(0, at + 1).join('.'))
    .join('/')}`;
  return kernel.system.find(path) !== null;
}

// ---------------------------------------------------------------- random trees and random deeds

const failingStarts: fc.Arbitrary<number[]> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<number[]>([]) },
  { weight: 2, arbitrary: fc.uniqueArray(fc.integer({ min: 2, max: 6 }), { maxLength: 3 }) },
  { weight: 1, arbitrary: fc.uniqueArray(fc.integer({ min: 1, max: 4 }), { maxLength: 2 }) },
);

const settings: fc.Arbitrary<Omit<SupervisorSpec, 'children'>> = fc.record({
  strategy: fc.constantFrom('oneForOne', 'oneForAll', 'restForOne'),
  restartsMax: fc.integer({ min: 0, max: 4 }),
  periodMs: fc.constantFrom(50, 100),
  autoShutdown: fc.constantFrom('never', 'anySignificant', 'allSignificant'),
});

interface Shape {
  readonly restart: Spec['restart'];
  readonly significant: boolean;
  readonly failingStarts: number[];
  readonly settings: Omit<SupervisorSpec, 'children'>;
  readonly children: readonly Shape[];
}

function shapeOf(depth: number): fc.Arbitrary<Shape> {
  const children = depth === 0 ? fc.constant([]) : fc.array(shapeOf(depth - 1), { maxLength: 4 });
  return fc.record({
    restart: fc.constantFrom('permanent', 'permanent', 'transient', 'temporary'),
    significant: fc.boolean(),
    failingStarts,
    settings,
    // Most are workers, or the trees would be too large for their failures to meet.
    children: fc.oneof(fc.constant([]), fc.constant([]), children),
  });
}

const tree: fc.Arbitrary<Spec> = fc
  .record({ settings, children: fc.array(shapeOf(2), { minLength: 1, maxLength: 4 }) })
  .map((top) => specOf({ ...top, restart: 'temporary', significant: false, failingStarts: [] }, 't'));

function specOf(
  { restart, significant, failingStarts: failing, settings: own, children }: Shape,
  name: string,
): Spec {
  return {
    name,
    restart,
    significant: significant && restart !== 'permanent',
    failingStarts: failing,
    supervisor:
      children.length === 0
        ? null
        : { ...own, children: children.map((child, at) => specOf(child, `${name}.${at}`)) },
  };
}

const pick = fc.nat({ max: 1_000 });
const deed: fc.Arbitrary<Deed> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('crash'),
      pick,
      siblings: fc.array(pick, { maxLength: 3 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('end'), pick }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('stop'), pick }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('pass'), ms: fc.constantFrom(1, 30, 50, 51, 100, 120) }),
  },
);

const RUNS = Number(process.env['WEIR_MODEL_RUNS'] ?? 1_500);

test('the log of the kernel equals the log of the reference, for random trees and random failures', async () => {
  let restarts = 0;
  await fc.assert(
    fc.asyncProperty(tree, fc.array(deed, { minLength: 1, maxLength: 15 }), async (spec, deeds) => {
      const { expected, got } = await play(spec, deeds);
      expect(got).toEqual(expected);
      restarts += got.filter((line) => line.startsWith('+')).length - everybody(spec).length;
    }),
    { numRuns: RUNS },
  );
  // Trees that nothing happens to prove nothing.
  expect(restarts).toBeGreaterThan(RUNS);
});
