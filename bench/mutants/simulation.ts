// Runs the simulation in a planted copy, and reads what it says.
//
// Owns:    its command line, the time limit, the slices of a batch, control runs.
// Not:     which mutants (hunt.ts), verdicts (verdict.ts), planting (plant.ts).
//
// R1. A failure is a kill only if the unchanged sources pass where it was found: the same seed, or the same slice when the
//     failure is of the campaign as a whole (O16). If they fail too, nothing was learnt, and the search goes on behind that seed.
// R2. A batch is looked through in slices, so that what only a campaign can show (O16) is shown after the first of them.

import { spawn } from 'node:child_process';
import type { Mutant, Part } from './mutant.js';
import { type BatchResult, parseAnswer, type Shrunk, type SimulationAnswer, shrunkOf } from './verdict.js';

const DEFAULT_PARTS: readonly Part[] = ['engine'];
const ALL_PARTS: readonly Part[] = ['engine', 'protocol', 'trees'];
/** The option of the simulation that takes the number of seeds of a part. */
const SEEDS_OPTION: Readonly<Record<Part, string>> = {
  engine: '--seeds',
  protocol: '--protocol',
  trees: '--trees',
};
/** Above the least number of seeds from which on the simulation looks for what never happens. */
const SLICE_SEEDS: Readonly<Record<Part, number>> = { engine: 200, protocol: 400, trees: 800 };
/** Of what a simulation that broke has written to stderr. */
const WHY_CHARS_MAX = 600;
const SHRINK_LIMIT_MS = 180_000;

interface Order {
  readonly part: Part;
  readonly seeds: number;
  readonly first: number;
  readonly shapes: readonly string[] | null;
}

/** The unchanged sources, asked where mutants have failed; the same slice is run once. */
export class Control {
  /** What fails without any mutant. */
  readonly falseAlarms: Set<string> = new Set();
  readonly #directory: string;
  readonly #limitMs: number;
  readonly #slices = new Map<string, Promise<ReadonlySet<number>>>();

  constructor(directory: string, limitMs: number) {
    this.#directory = directory;
    this.#limitMs = limitMs;
  }

  /** Seed 0: the failure is of the whole slice. */
  async passes(slice: Order, seed: number): Promise<boolean> {
    // Of a few shapes alone nobody else will ask.
    const asked = slice.shapes === null || seed === 0 ? slice : { ...slice, first: seed, seeds: 1 };
    const key = JSON.stringify(asked);
    const known = this.#slices.get(key) ?? this.#failing(asked);
    this.#slices.set(key, known);
    return !(await known).has(seed);
  }

  async #failing(order: Order): Promise<ReadonlySet<number>> {
    const result = await simulate(this.#directory, order, this.#limitMs, 'all');
    if (result.kind !== 'answered')
      throw new Error(`the unchanged sources cannot be simulated: ${result.kind}`);
    const { failures } = result.answer;
    for (const { seed, check } of failures)
      this.falseAlarms.add(`${order.part} ${order.first}: ${seed} ${check}`);
    return new Set(failures.map(({ seed }) => seed));
  }
}

/** One batch: the parts of the simulation in order, until one of them has found something. */
export async function look(
  mutant: Mutant,
  directory: string,
  batch: { readonly first: number; readonly seeds: number; readonly limitMs: number },
  control: Control,
): Promise<BatchResult> {
  const beganMs = performance.now();
  const elapsed = (): number => performance.now() - beganMs;
  let seeds = 0;
  let last: SimulationAnswer | null = null;
  for (const part of mutant.parts ?? DEFAULT_PARTS) {
    const shapes = part === 'engine' ? (mutant.shapes ?? null) : null;
    const end = batch.first + batch.seeds;
    for (let first = batch.first; first < end; ) {
      const order = { part, seeds: Math.min(SLICE_SEEDS[part], end - first), first, shapes };
      const result = await simulate(directory, order, batch.limitMs - elapsed(), 'first');
      if (result.kind !== 'answered') return { ...result, elapsedMs: elapsed() };
      const { answer } = result;
      last = answer;
      seeds += answer.seeds;
      const [failure] = answer.failures;
      if (failure !== undefined && (await control.passes(order, failure.seed)))
        return { kind: 'answered', answer: { ...answer, seeds }, elapsedMs: elapsed() };
      // What fails without the mutant too is nobody's kill.
      last = { ...answer, failures: [] };
      first = failure === undefined || failure.seed === 0 ? first + order.seeds : failure.seed + 1;
    }
  }
  if (last === null)
    return { kind: 'broken', why: 'the mutant names no seeds to look at', elapsedMs: elapsed() };
  return { kind: 'answered', answer: { ...last, seeds }, elapsedMs: elapsed() };
}

async function simulate(
  directory: string,
  order: Order,
  limitMs: number,
  failures: 'first' | 'all',
): Promise<BatchResult> {
  const numbers = ALL_PARTS.flatMap((part) => [
    SEEDS_OPTION[part],
    String(part === order.part ? order.seeds : 0),
  ]);
  numbers.push('--first', String(order.first), '--jobs', '1');
  const shapes = order.shapes === null ? [] : ['--shapes', order.shapes.join(',')];
  const ended = await command(
    directory,
    [...numbers, ...shapes, '--json', ...(failures === 'first' ? ['--stop-at-failure'] : [])],
    limitMs,
  );
  const { elapsedMs } = ended;
  if (ended.overdue) return { kind: 'stuck', elapsedMs };
  try {
    return { kind: 'answered', answer: parseAnswer(ended.stdout), elapsedMs };
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error);
    return { kind: 'broken', why: `${what} (${ended.how}): ${ended.stderr.trim()}`, elapsedMs };
  }
}

/** Replays and shrinks a failure of a planted copy. Null: it was not shrunk. */
export async function shrinkIn(directory: string, token: string): Promise<Shrunk | null> {
  const { stdout, elapsedMs } = await command(directory, ['--replay', token], SHRINK_LIMIT_MS);
  return shrunkOf(stdout, elapsedMs);
}

interface Ended {
  readonly stdout: string;
  readonly stderr: string;
  readonly overdue: boolean;
  readonly how: string;
  readonly elapsedMs: number;
}

function command(directory: string, options: readonly string[], limitMs: number): Promise<Ended> {
  const script = ['--conditions=weir-source', '--import', 'tsx', 'bench/simulate/simulate.ts'];
  const beganMs = performance.now();
  const child = spawn(process.execPath, [...script, ...options], {
    cwd: directory,
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own, so that the workers of a simulation that is stuck end with it.
    detached: true,
  });
  let stdout = '';
  let stderr = '';
  let overdue = false;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-WHY_CHARS_MAX);
  });
  const limit = setTimeout(
    () => {
      overdue = true;
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    },
    Math.max(1, limitMs),
  );
  return new Promise((resolve) => {
    const end = (how: string): void => {
      clearTimeout(limit);
      resolve({ stdout, stderr, overdue, how, elapsedMs: performance.now() - beganMs });
    };
    child.on('error', (error) => end(error.message));
    child.on('close', (code, signal) => end(`exit code ${code}, signal ${signal}`));
  });
}
