// The contract of a source, as a test that anyone can run on a source of their own.
//
// Owns:    reading it straight, reading it with interruptions at random moments, and comparing.
// Not:     the contract itself (src/operators/source.ts).
//
// What is checked, run by run with growing plans:
// V1. `discover` answers the same splits every time, with ids of their own; also when the checkpoint knows them.
// V2. A poll answers no more than it was asked for, for a split the reader has; nothing follows the end of a split.
// V3. Positions come back from a checkpoint as they were.
// V4. Readers that are closed at any moment and opened again from remembered positions, over any number of subtasks, read
//     per split exactly what one straight reading reads, what was read after the remembered moment included once.
// V5. `close` settles while a poll is pending, and so does that poll.
// V6. `resolve` answers the same split, and leaves what it has found as it is.

import { silentLogger } from '../base/logger.js';
import type { Runtime } from '../base/runtime.js';
import type { Polled, Source, SourceContext, SourceReader, SourceSplit } from '../operators/source.js';
import { ContractRun, firstDifference, show } from './contract-run.js';
import { virtualRuntime } from './virtual-runtime.js';

export interface SourceContractOptions<T> {
  /** Seed of the first run; each further run adds one. Default 1. */
  readonly seed?: number;
  /** Default 40. */
  readonly runs?: number;
  /** Runtime of a run. Default: a virtual one. */
  readonly runtime?: (seed: number) => Runtime;
  /** Before each run: writes the files, starts the servers that the source reads. */
  readonly prepare?: (runtime: Runtime, seed: number) => void | Promise<void>;
  /** For a source that does not end: read this many records. */
  readonly recordsTotal?: number;
  /** What a straight reading reads, in any order of the splits. Default: not compared. */
  readonly expected?: readonly T[];
  /** Most records a poll asks for. Default 16. */
  readonly recordsMax?: number;
  /** Most subtasks, as far as the source allows. Default 4. */
  readonly subtasksMax?: number;
}

const RUNS = 40;
const RECORDS_MAX = 16;
const SUBTASKS_MAX = 4;
/** Answers in a row that bring nothing, after which a source counts as stuck. */
const EMPTY_POLLS_MAX = 10_000;

/** Throws ContractViolation, with a seed to see it again, if the source breaks its contract. `make` is called once per run. */
export async function verifySource<T, P>(
  make: (runtime: Runtime) => Source<T, P>,
  options: SourceContractOptions<T> = {},
): Promise<void> {
  const first = options.seed ?? 1;
  const runs = options.runs ?? RUNS;
  for (let index = 0; index < runs; index += 1) {
    const seed = first + index;
    const run = new ContractRun('verifySource', seed, options.runtime?.(seed) ?? virtualRuntime({ seed }));
    await run.settle('prepare', options.prepare?.(run.runtime, seed));
    const source = make(run.runtime);
    await new SourceCheck(run, source, options, index).verify();
  }
}

interface Progress<T, P> {
  /** Per split, what was read. */
  readonly read: Map<string, T[]>;
  readonly positions: Map<string, P>;
  readonly ended: Set<string>;
}

interface Life<T, P> {
  readonly readers: readonly { readonly reader: SourceReader<T, P>; readonly splits: Set<string> }[];
  readonly abort: AbortController;
}

class SourceCheck<T, P> {
  private readonly run: ContractRun;
  private readonly source: Source<T, P>;
  private readonly options: SourceContractOptions<T>;
  private readonly interruptions: number;
  private attempt = 0;

  constructor(run: ContractRun, source: Source<T, P>, options: SourceContractOptions<T>, index: number) {
    this.run = run;
    this.source = source;
    this.options = options;
    // The first runs are short, so that what they show is easy to read.
    this.interruptions = source.replayable ? Math.min(8, index) : 0;
  }

  async verify(): Promise<void> {
    const splits = await this.resolved(await this.discover());
    const straight = this.begin(splits);
    await this.readOn(straight, 1, { polls: Number.POSITIVE_INFINITY, closePending: false });
    this.compareExpected(straight);
    if (!this.source.replayable) return;
    const broken = this.begin(splits);
    for (let life = 0; life < this.interruptions; life += 1) await this.interruptedLife(broken);
    await this.readOn(broken, this.subtasks(), { polls: Number.POSITIVE_INFINITY, closePending: false });
    for (const [split, values] of straight.read)
      this.compareSplit(split, values, broken.read.get(split) ?? []);
  }

  /** Reads, remembers, reads on, and forgets what came after: as an attempt that fails after a checkpoint. */
  private async interruptedLife(progress: Progress<T, P>): Promise<void> {
    await this.readOn(progress, this.subtasks(), {
      polls: this.run.below(12),
      closePending: this.run.chance(0.5),
    });
    if (this.run.chance(0.3)) return;
    const lost = copy(progress);
    await this.readOn(lost, this.subtasks(), {
      polls: this.run.below(6),
      closePending: this.run.chance(0.5),
    });
  }

  private async discover(): Promise<readonly SourceSplit<P>[]> {
    const splits = await this.run.settle('discover', this.source.discover(this.context(0, 1), []));
    const again = await this.run.settle('discover', this.source.discover(this.context(0, 1), []));
    const ids = splits.map(({ id }) => id);
    const idsAgain = again.map(({ id }) => id);
    this.run.check(firstDifference(ids, idsAgain) === null, () => {
      return `discover answers other splits the second time: ${show(ids)}, then ${show(idsAgain)}.`;
    });
    const known = await this.run.settle('discover', this.source.discover(this.context(0, 1), splits));
    const missing = ids.filter((id) => !known.some((split) => split.id === id));
    this.run.check(
      missing.length === 0,
      () => `discover leaves out what a checkpoint knows: ${show(missing)}.`,
    );
    this.run.check(new Set(ids).size === ids.length, () => `two splits have one id: ${show(ids)}.`);
    return splits;
  }

  /** As a subtask does before it opens the source: positions that are found by looking are found once (V6). */
  private async resolved(splits: readonly SourceSplit<P>[]): Promise<readonly SourceSplit<P>[]> {
    const found: SourceSplit<P>[] = [];
    for (const split of splits) {
      const context = this.context(0, 1);
      const once = await this.run.settle('resolve', this.source.resolve?.(split, context) ?? split);
      const again = await this.run.settle('resolve', this.source.resolve?.(once, context) ?? once);
      const stays = firstDifference([once.position], [again.position]) === null;
      this.run.check(once.id === split.id && stays, () => {
        return `resolve answers ${show(again)} for ${show(once)}, which it has found before.`;
      });
      found.push(once);
    }
    return found;
  }

  private begin(splits: readonly SourceSplit<P>[]): Progress<T, P> {
    return {
      read: new Map(splits.map(({ id }) => [id, []])),
      positions: new Map(splits.map(({ id, position }) => [id, position])),
      ended: new Set(),
    };
  }

  private async readOn(
    progress: Progress<T, P>,
    subtasks: number,
    until: { readonly polls: number; readonly closePending: boolean },
  ): Promise<void> {
    const life = await this.openLife(progress, subtasks);
    let emptyPolls = 0;
    for (let polls = 0; polls < until.polls && !this.isDone(progress); polls += 1) {
      const active = life.readers.filter(({ splits }) =>
        [...splits].some((split) => !progress.ended.has(split)),
      );
      const chosen = active[this.run.below(active.length)];
      if (chosen === undefined) break;
      const asked = 1 + this.run.below(this.options.recordsMax ?? RECORDS_MAX);
      const polled = await this.run.settle('poll', chosen.reader.poll(asked));
      const brought = this.note(progress, chosen.splits, polled, asked);
      if (polled.kind === 'nothing') await this.run.pass(polled.retryMs);
      emptyPolls = brought ? 0 : emptyPolls + 1;
      this.run.check(
        emptyPolls < EMPTY_POLLS_MAX,
        () => `${EMPTY_POLLS_MAX} polls in a row have brought nothing.`,
      );
    }
    await this.closeLife(life, until.closePending && !this.isDone(progress));
  }

  private async openLife(progress: Progress<T, P>, subtasks: number): Promise<Life<T, P>> {
    this.attempt += 1;
    const abort = new AbortController();
    const shares: SourceSplit<P>[][] = Array.from({ length: subtasks }, () => []);
    for (const [id, position] of progress.positions) {
      if (progress.ended.has(id)) continue;
      const stored = this.run.stored(`the position of split "${id}"`, position);
      shares[this.run.below(subtasks)]?.push({ id, position: stored });
    }
    const readers = [];
    for (const [subtask, share] of shares.entries()) {
      const context = this.context(subtask, subtasks, abort.signal);
      const reader = await this.run.settle('open', this.source.open(share, context));
      readers.push({ reader, splits: new Set(share.map(({ id }) => id)) });
    }
    return { readers, abort };
  }

  private async closeLife(life: Life<T, P>, pollPending: boolean): Promise<void> {
    if (pollPending) {
      // A poll that is cut off may answer or throw; it must not stay open.
      const polls = Promise.allSettled(life.readers.map(async ({ reader }) => await reader.poll(1)));
      life.abort.abort();
      const closes = Promise.all(life.readers.map(async ({ reader }) => await reader.close()));
      await this.run.settle('close during a poll', closes);
      await this.run.settle('a poll that was pending at close', polls);
      return;
    }
    life.abort.abort();
    for (const { reader } of life.readers) await this.run.settle('close', reader.close());
  }

  /** True when the answer brought something. */
  private note(progress: Progress<T, P>, splits: Set<string>, polled: Polled<T, P>, asked: number): boolean {
    if (polled.kind === 'nothing') {
      this.run.check(polled.retryMs >= 0, () => `retryMs is ${polled.retryMs}.`);
      return false;
    }
    if (polled.kind === 'newSplits') {
      for (const { id, position } of polled.splits) {
        this.run.check(!progress.positions.has(id), () => `the new split "${id}" is there already.`);
        progress.positions.set(id, position);
        progress.read.set(id, []);
        splits.add(id);
      }
      return true;
    }
    this.run.check(
      splits.has(polled.split),
      () => `an answer for split "${polled.split}", which the reader was not given.`,
    );
    this.run.check(!progress.ended.has(polled.split), () => `split "${polled.split}" goes on after its end.`);
    if (polled.kind === 'splitEnd') {
      progress.ended.add(polled.split);
      return true;
    }
    const { values, timestamps, rejected = [] } = polled;
    this.run.check(values.length <= asked, () => `asked for ${asked} records, got ${values.length}.`);
    this.run.check(timestamps === undefined || timestamps.length === values.length, () => {
      return `${values.length} records came with ${timestamps?.length} timestamps.`;
    });
    const places = rejected.map(({ before }) => before);
    const placed = places.every((before, at) => before >= (places[at - 1] ?? 0) && before <= values.length);
    this.run.check(
      placed,
      () => `what is rejected stands at ${show(places)} among ${values.length} records.`,
    );
    for (const each of rejected) this.run.stored('what is rejected', each.record);
    progress.read.get(polled.split)?.push(...values);
    progress.positions.set(polled.split, polled.next);
    return values.length + rejected.length > 0;
  }

  private isDone(progress: Progress<T, P>): boolean {
    if (progress.ended.size === progress.positions.size) return true;
    if (this.options.recordsTotal === undefined) return false;
    return all(progress).length >= this.options.recordsTotal;
  }

  private compareExpected(straight: Progress<T, P>): void {
    const { expected } = this.options;
    if (expected === undefined) return;
    const sorted = (values: readonly T[]): string[] => values.map(show).sort();
    const difference = firstDifference(sorted(expected), sorted(all(straight)));
    this.run.check(
      difference === null,
      () => `a straight reading is not what was expected: sorted, ${difference}.`,
    );
  }

  private compareSplit(split: string, straight: readonly T[], broken: readonly T[]): void {
    // An endless source is cut off somewhere; the shorter reading decides how far they are compared.
    const length =
      this.options.recordsTotal === undefined ? straight.length : Math.min(straight.length, broken.length);
    const got = this.options.recordsTotal === undefined ? broken : broken.slice(0, length);
    const difference = firstDifference(straight.slice(0, length), got);
    this.run.check(difference === null, () => {
      return `split "${split}", read with ${this.interruptions} interruptions, differs from one straight reading: ${difference}.`;
    });
  }

  private subtasks(): number {
    const max = Math.min(
      this.options.subtasksMax ?? SUBTASKS_MAX,
      this.source.parallelismMax ?? SUBTASKS_MAX,
    );
    return 1 + this.run.below(max);
  }

  private context(
    subtask: number,
    parallelism: number,
    signal: AbortSignal = new AbortController().signal,
  ): SourceContext {
    return {
      operator: this.source.name,
      subtask,
      parallelism,
      attempt: this.attempt,
      runtime: this.run.runtime,
      logger: silentLogger,
      signal,
      warn: () => undefined,
      count: () => undefined,
    };
  }
}

function all<T, P>(progress: Progress<T, P>): readonly T[] {
  return [...progress.read.values()].flat();
}

function copy<T, P>(progress: Progress<T, P>): Progress<T, P> {
  return {
    read: new Map([...progress.read].map(([id, values]) => [id, [...values]])),
    positions: new Map(progress.positions),
    ended: new Set(progress.ended),
  };
}
