// Random plans and random knobs from a seed: swarm testing.
//
// Owns:    which kinds a seed enables, how many faults it draws, and of each its target, trigger, times and parameters.
// Not:     what a kind means (fault-kinds.ts), running plans (explore.ts).
//
// W1. The same targets, seed and options give the same plan; what one fault draws does not shift what the next one draws.
// W2. A seed enables a subset of the kinds only, so that faults which hide each other are apart in most seeds.
// W3. `after` and `during` name earlier faults of the plan: no two faults wait for each other.
// W4. Some seeds have a theme: kinds whose bugs need each other. Of all kinds together, two that belong to each other meet in
//     one seed of several hundred; in their theme, in one of a few.
// W5. A drawn plan leaves a correct program able to end: what would stop or starve it for ever is rare, or has an end.

import { ConfigError } from '../base/errors.js';
import { randomBelow, randomStream } from '../base/random-stream.js';
import type { RandomStream } from '../base/runtime.js';
import { PROTOCOL_STEPS, type ProtocolStep } from '../task/effect.js';
import type { KnobInfo, Knobs, Targets } from './execution.js';
import type { SwarmOptions } from './exploration.js';
import { FAULT_KINDS, type FaultKind, type ParameterInfo } from './fault-kinds.js';
import { PLAN_VERSION, type Plan, type PlannedFault, type Trigger } from './plan.js';

/** Faults of one plan when nobody says otherwise: enough for two overlapping failures and a failing recovery. */
const PLAN_FAULTS_MAX = 6;
/** Plans without a fault: bugs that need nothing but a schedule. */
const EMPTY_FRACTION = 0.05;
/** Plans about a kind that stops the program: they end early, and prove little about the others. */
const STOP_FRACTION = 0.06;
const STOP_ALONE_FRACTION = 0.85;
/** How much of the kinds a seed enables: from nearly alone to nearly all. */
const ENABLED_FRACTIONS = [0.08, 0.2, 0.4, 0.8];
/** A kind that ends the program, or holds it up until somebody gives up, is drawn this much less often. */
const ENDING_WEIGHT = 0.15;
const THEME_FRACTION = 0.5;
const THEME_FAULTS_MIN = 3;
const NTH_MAX = 40;
const STEP_NTH_MAX = 6;
const EVERY_MIN = 2;
const EVERY_MAX = 20;
const TIME_MAX_MS = 3_000;
const LASTS_MIN_MS = 50;
const LASTS_MAX_MS = 5_000;
const TIMES_MAX = 4;
const CHANCES = [0.01, 0.05, 0.2, 0.5];

const RESTORE_STEPS: readonly ProtocolStep[] = ['restore.read', 'restore.applied', 'record.afterRestore'];
const FIRST_STEPS: readonly ProtocolStep[] = PROTOCOL_STEPS.filter((step) => !RESTORE_STEPS.includes(step));

/** Steps that subtasks of several roles reach; the others have one role anyway. */
const STEPS_OF_MANY: readonly ProtocolStep[] = ['snapshot.started', 'ack.sent', 'restore.applied'];
const STEP_ROLES = ['source', 'operator', 'sink'];

/** After one of these a job restores: the lead for faults during recovery. */
export const KILL_KINDS: readonly FaultKind[] = [
  'actor.throw',
  'actor.reject',
  'actor.crash',
  'actor.crashAwaiting',
  'process.kill',
  'process.uncaught',
  'process.abort',
  'power.loss',
  'source.fail',
  'sink.partial',
  'sink.commitFail',
  'sink.commitUnknown',
];

const ENDING_KINDS: ReadonlySet<FaultKind> = new Set<FaultKind>([
  'actor.poison',
  'actor.hang',
  'store.hang',
  'store.hangWritten',
  'store.mapFull',
  'files.hang',
  'files.hangWritten',
  'sink.stuck',
  'sink.commitStuck',
]);

interface Theme {
  readonly kinds: readonly FaultKind[];
  /** Faults of actors hit these only. Absent: any. */
  readonly actors?: readonly string[];
}

const STEERING = ['store', 'coordinator', 'job'];

/** How often a fault has to do with an earlier one: comes after it, and of those, during it. */
interface Ties {
  readonly lead: number;
  readonly during: number;
}

const LOOSE: Ties = { lead: 0.3, during: 0.25 };
/** Within a theme. */
const TIGHT: Ties = { lead: 0.6, during: 0.5 };

/** Each a story that goes wrong in several places at once. Kinds that do not apply are left out. */
const THEMES: readonly Theme[] = [
  // Several transactions of a writer wait when something happens to one of them, or to the writer.
  {
    kinds: [
      'sink.commitSlow',
      'sink.commitFail',
      'sink.commitUnknown',
      'notify.drop',
      'actor.crash',
      'job.rescale',
    ],
  },
  { kinds: ['sink.commitSlow', 'sink.commitStuck', 'notify.drop', 'notify.delay', 'process.kill'] },
  // A process that is thought dead, and is not, beside its successor: its writes are under way, and its job fails too.
  { kinds: ['process.zombie', 'process.lateWrites', 'store.slow', 'source.fail', 'link.drop'] },
  { kinds: ['process.zombie', 'store.slow', 'actor.crash', 'actor.throw'], actors: STEERING },
  { kinds: ['process.zombie', 'store.hang', 'store.hangWritten', 'store.rejectWritten'] },
  // Writes of an attempt reach the store when the next one has begun.
  { kinds: ['actor.slow', 'source.fail', 'sink.partial'], actors: ['store'] },
  // Checkpoints that are half taken: some subtasks have answered, others never will.
  { kinds: ['snapshot.decline', 'snapshot.slow', 'ack.drop', 'ack.stale', 'barrier.delay', 'store.slow'] },
  { kinds: ['barrier.drop', 'barrier.delay', 'barrier.stale', 'trigger.duplicate', 'actor.crash'] },
  // Failures within the recovery from another, with state that moves.
  { kinds: ['job.rescale', 'job.stop', 'job.savepoint', 'actor.crash', 'process.kill', 'power.loss'] },
  // Somebody waits for what does not come, and the clock by which it is waited for is wrong.
  { kinds: ['actor.hang', 'clock.jump'], actors: STEERING },
  { kinds: ['actor.hang', 'sink.commitStuck', 'store.hang', 'process.pause', 'clock.jump', 'actor.crash'] },
  // Time that goes wrong while input is uneven.
  { kinds: ['clock.jump', 'source.fail', 'actor.crash'] },
  { kinds: ['process.pause', 'source.stall', 'link.delay', 'link.swizzle', 'actor.crash'] },
];

/** Their effect goes on after the firing, so `forMs` says something. */
const LASTING_KINDS: ReadonlySet<FaultKind> = new Set<FaultKind>([
  'actor.slow',
  'mailbox.small',
  'mailbox.dropping',
  'link.delay',
  'clock.drift',
  'store.full',
  'store.mapFull',
  'store.slow',
  'files.full',
  'files.exhausted',
  'sink.slow',
  'sink.stuck',
  'telemetry.fail',
  'network.delay',
]);

/** A correct program ends even when these go on for ever. */
export const HARMLESS_FOR_EVER: ReadonlySet<FaultKind> = new Set<FaultKind>([
  'link.delay',
  'link.reorder',
  'link.duplicate',
  'barrier.duplicate',
  'trigger.duplicate',
  'ack.duplicate',
  'ack.stale',
  'barrier.stale',
  'telemetry.fail',
  'clock.drift',
  'mailbox.small',
]);

/** What swarm testing would inject under this seed. Throws ConfigError for kinds that do not apply to the targets. */
export function drawPlan(targets: Targets, seed: number, options: SwarmOptions = {}): Plan {
  const kinds = applicableKinds(targets, options);
  const random = randomStream(seed, 'plan');
  const faultsMax = options.max ?? PLAN_FAULTS_MAX;
  if (kinds.length === 0 || faultsMax < 1 || random.next() < EMPTY_FRACTION) return planOf([]);
  const theme = drawTheme(targets, kinds, randomStream(seed, 'theme'));
  const enabled = theme?.kinds ?? enabledKinds(kinds, random);
  const hit: Targets = theme?.actors === undefined ? targets : { ...targets, actors: theme.actors };
  const stops = kinds.filter((kind) => isStop(kind));
  const rest = enabled.filter((kind) => !isStop(kind));
  const stop = stops.length > 0 && (rest.length === 0 || random.next() < STOP_FRACTION);
  const alone = random.next() < STOP_ALONE_FRACTION;
  const drawn = 1 + randomBelow(random, faultsMax);
  const least = theme === null ? 1 : Math.min(THEME_FAULTS_MIN, faultsMax);
  const count = stop && (alone || rest.length === 0) ? 1 : Math.max(least, drawn);

  const faults: PlannedFault[] = [];
  for (let index = 0; index < count; index += 1) {
    const stream = randomStream(seed, `plan/${index}`);
    const kind = stop && index === count - 1 ? pick(stops, stream) : drawKind(rest, theme !== null, stream);
    faults.push(drawFault(kind, hit, faults, theme === null ? LOOSE : TIGHT, stream));
  }
  return planOf(faults);
}

/** Random values within the bounds of the knobs, more often the least and the default than any other. */
export function drawKnobs(knobs: Readonly<Record<string, KnobInfo>>, seed: number): Knobs {
  const drawn: Record<string, number> = {};
  for (const [name, info] of Object.entries(knobs)) {
    // A stream per knob: a new knob shifts nothing.
    drawn[name] = drawKnob(info, randomStream(seed, `knob/${name}`));
  }
  return drawn;
}

/** Puts drawn faults behind those that are part of every plan. */
export function joinPlans(fixed: Plan, drawn: Plan): Plan {
  const offset = fixed.faults.length;
  if (offset === 0) return drawn;
  return planOf([...fixed.faults, ...drawn.faults.map((fault) => shifted(fault, offset))]);
}

function shifted(fault: PlannedFault, offset: number): PlannedFault {
  const { trigger } = fault;
  return {
    ...fault,
    trigger: trigger.kind === 'during' ? { kind: 'during', fault: trigger.fault + offset } : trigger,
    ...(fault.after === undefined ? {} : { after: fault.after + offset }),
  };
}

function applicableKinds(targets: Targets, options: SwarmOptions): readonly FaultKind[] {
  const { kinds } = options;
  if (kinds === undefined) return targets.kinds;
  const strangers = kinds.filter((kind) => !targets.kinds.includes(kind));
  if (strangers.length > 0) {
    throw new ConfigError(`Kinds of faults that do not apply to this program: ${strangers.join(', ')}.`, {
      remedy: `Leave them out, or give the program what they hit; applicable are ${targets.kinds.join(', ')}.`,
    });
  }
  return kinds;
}

function drawTheme(targets: Targets, kinds: readonly FaultKind[], random: RandomStream): Theme | null {
  if (random.next() >= THEME_FRACTION) return null;
  const theme = pick(THEMES, random);
  const applicable = theme.kinds.filter((kind) => kinds.includes(kind));
  const actors = (theme.actors ?? targets.actors).filter((actor) => targets.actors.includes(actor));
  return applicable.length > 1 && actors.length > 0 ? { kinds: applicable, actors } : null;
}

function enabledKinds(kinds: readonly FaultKind[], random: RandomStream): readonly FaultKind[] {
  const fraction = pick(ENABLED_FRACTIONS, random);
  const enabled = kinds.filter(() => random.next() < fraction);
  const other = pick(kinds, random);
  return enabled.length === 0 ? [other] : enabled;
}

function drawKind(kinds: readonly FaultKind[], inTheme: boolean, random: RandomStream): FaultKind {
  const kind = pick(kinds, random);
  if (inTheme || !ENDING_KINDS.has(kind) || random.next() < ENDING_WEIGHT) return kind;
  const milder = kinds.filter((each) => !ENDING_KINDS.has(each));
  return milder.length === 0 ? kind : pick(milder, random);
}

function drawFault(
  kind: FaultKind,
  targets: Targets,
  earlier: readonly PlannedFault[],
  ties: Ties,
  random: RandomStream,
): PlannedFault {
  const target = drawTarget(kind, targets, random);
  const lead = earlier.length > 0 && random.next() < ties.lead ? randomBelow(random, earlier.length) : null;
  const trigger = drawTrigger(targets, earlier, lead, ties, random);
  const times = drawTimes(kind, trigger, random);
  const lasts =
    LASTING_KINDS.has(kind) && random.next() < 0.7 ? logarithmic(LASTS_MIN_MS, LASTS_MAX_MS, random) : null;
  const parameters = drawParameters(kind, times === null, random);
  return {
    kind,
    target,
    trigger,
    ...(times === 1 ? {} : { times }),
    ...(lasts === null ? {} : { forMs: lasts }),
    ...(lead === null || trigger.kind === 'during' ? {} : { after: lead }),
    ...(Object.keys(parameters).length === 0 ? {} : { parameters }),
  };
}

function drawTarget(kind: FaultKind, targets: Targets, random: RandomStream): string {
  switch (FAULT_KINDS.get(kind)?.target) {
    case 'actor':
      return targets.actors.length === 0 || random.next() < 0.1 ? '*' : pick(targets.actors, random);
    case 'link':
      return drawLink(targets.links, random);
    default:
      return '*';
  }
}

function drawLink(links: readonly string[], random: RandomStream): string {
  const form = random.next();
  if (links.length === 0 || form < 0.1) return '* -> *';
  const link = pick(links, random);
  const [from = '*', to = '*'] = link.split(' -> ');
  if (form < 0.2) return `${from} -> *`;
  return form < 0.3 ? `* -> ${to}` : link;
}

function drawTrigger(
  targets: Targets,
  earlier: readonly PlannedFault[],
  lead: number | null,
  ties: Ties,
  random: RandomStream,
): Trigger {
  const leading = lead === null ? undefined : earlier[lead];
  const form = random.next();
  if (lead !== null && form < ties.during) return { kind: 'during', fault: lead };
  if (targets.predicates.length > 0 && form > 0.9) {
    return { kind: 'when', predicate: pick(targets.predicates, random) };
  }
  const other = random.next();
  const restores = leading !== undefined && KILL_KINDS.includes(leading.kind);
  if (targets.apps === 'jobs' && other < 0.4) return drawStep(restores, targets, random);
  if (other < 0.65) return { kind: 'nth', n: logarithmic(1, NTH_MAX, random) };
  if (other < 0.8) return { kind: 'time', ms: logarithmic(1, TIME_MAX_MS, random) };
  if (other < 0.92) return { kind: 'chance', probability: pick(CHANCES, random) };
  return { kind: 'every', n: between(EVERY_MIN, EVERY_MAX, random) };
}

function drawStep(restores: boolean, targets: Targets, random: RandomStream): Trigger {
  const duringRestore = restores && random.next() < 0.6;
  const step = pick(duringRestore ? RESTORE_STEPS : FIRST_STEPS, random);
  const n = duringRestore ? 1 : logarithmic(1, STEP_NTH_MAX, random);
  const role = pick(STEP_ROLES, random);
  const named = STEPS_OF_MANY.includes(step) && targets.actors.includes(role) && random.next() < 0.5;
  return named ? { kind: 'step', step, role, n } : { kind: 'step', step, n };
}

function drawTimes(kind: FaultKind, trigger: Trigger, random: RandomStream): number | null {
  const form = random.next();
  if (form > 0.9 && HARMLESS_FOR_EVER.has(kind)) return null;
  // A store that stays broken ends most jobs; a few seeds look at how.
  if (form > 0.97 && kind.startsWith('store.') && FAULT_KINDS.get(kind)?.class === 'degrade') return null;
  // A kill that repeats at every hit ends the program by its limit of restarts, which is no news.
  const repeats = trigger.kind === 'every' || trigger.kind === 'chance' ? 0.6 : 0.25;
  return form < repeats && !ENDING_KINDS.has(kind) && !isStop(kind) ? between(2, TIMES_MAX, random) : 1;
}

function drawParameters(
  kind: FaultKind,
  forEver: boolean,
  random: RandomStream,
): Readonly<Record<string, number>> {
  const drawn: Record<string, number> = {};
  for (const [name, info] of Object.entries(FAULT_KINDS.get(kind)?.parameters ?? {})) {
    const form = random.next();
    const value = drawParameter(info, form, random);
    // What never ends must stay small, or nothing else happens any more.
    if (form < 0.5 || (forEver && Math.abs(value) > Math.abs(info.default))) continue;
    drawn[name] = value;
  }
  return drawn;
}

function drawParameter(info: ParameterInfo, form: number, random: RandomStream): number {
  if (form > 0.9) return info.min < 0 && random.next() < 0.5 ? info.min : info.max;
  const least = leastOf(info);
  // What may be below nothing is so in every second draw: a clock set back hurts more than one set forward.
  const usual = Math.abs(info.default);
  const bound = info.min < 0 && random.next() < 0.5 ? Math.max(info.min, -usual) : usual;
  const value = least + random.next() * (bound - least);
  // Plus 0: no plan holds -0, which its text could not say.
  return info.unit === 'fraction' ? value : Math.round(value) + 0;
}

function drawKnob(info: KnobInfo, random: RandomStream): number {
  const form = random.next();
  if (form < 0.2) return info.least;
  if (form < 0.4) return info.default;
  const whole = Number.isInteger(info.min) && Number.isInteger(info.max);
  return whole ? between(info.min, info.max, random) : info.min + random.next() * (info.max - info.min);
}

/** The value of a parameter that says the least: the nearest to nothing within its bounds. */
export function leastOf(info: ParameterInfo): number {
  return Math.min(Math.max(0, info.min), info.max);
}

function isStop(kind: FaultKind): boolean {
  return FAULT_KINDS.get(kind)?.class === 'stop';
}

function planOf(faults: readonly PlannedFault[]): Plan {
  return { version: PLAN_VERSION, faults };
}

function between(min: number, max: number, random: RandomStream): number {
  return min + randomBelow(random, max - min + 1);
}

/** Small numbers as often as large ones of the same order. */
function logarithmic(min: number, max: number, random: RandomStream): number {
  return Math.min(max, Math.floor(min * ((max + 1) / min) ** random.next()));
}

function pick<T>(items: readonly T[], random: RandomStream): T {
  return items[randomBelow(random, items.length)] as T;
}
