// A source that makes its records: seeded, replayable, paced, and the same at every parallelism.
//
// Owns:    which record belongs to which lane, the random numbers of a record, the pace.
// Not:     what a record is: the user's `make`.
//
// G1. Record n depends on the seed and on n alone: not on the lane, the parallelism, the attempt or the time.
// G2. Blocks of consecutive numbers go round the lanes. A reader hands over the lowest of its numbers first, so one subtask
//     alone sees all records in order, and each lane is in order always.
// G3. Lanes and block length are part of the split's name: a job that is restored with another rate keeps its old lanes.

import { refuseLater } from '../base/at-once.js';
import { ConfigError, ConnectorError, UserCodeError } from '../base/errors.js';
import { BATCH_RECORDS_MAX, PACE_TICK_MS } from '../base/limits.js';
import type { RandomStream } from '../base/runtime.js';
import { shownValue } from '../base/shown-text.js';
import type {
  Polled,
  Rejected,
  Source,
  SourceContext,
  SourceReader,
  SourceSplit,
} from '../operators/source.js';
import { NOTHING_LEFT } from './idle-reader.js';
import { checkedRate, Pacer } from './pacer.js';
import { checkCount } from './restored-position.js';

/** Enough for the subtasks of one machine, few enough that a low rate still reaches every lane soon. */
const LANES = 16;

export interface GeneratorOptions<T> {
  /** How many records there are. Default: no end. */
  readonly count?: number;
  /** Records per second over all subtasks, by the monotonic clock. Default: as fast as the job takes them. */
  readonly ratePerSecond?: number;
  /** Same seed, same records. */
  readonly seed: number | string;
  /**
   * Makes record `seq` (0, 1, 2, ...). `random` gives numbers in [0, 1) that depend on seed and `seq` only; use it during the call.
   */
  readonly make: (seq: number, random: RandomStream) => T;
  /** Event time of a record, ms since 1970. Default: none. */
  readonly timestamp?: (value: T, seq: number) => number;
  /** Most subtasks that can take part. Default 16. */
  readonly lanes?: number;
}

/** Records made by a function. Replayable and rescalable. */
export function generator<T>(options: GeneratorOptions<T>): Source<T, number> {
  const settings = checked(options);
  return {
    name: 'generator',
    bounded: Number.isFinite(settings.count),
    replayable: true,
    parallelismMax: settings.lanes,
    discover: (_context, known) => (known.length > 0 ? known : discoverLanes(settings)),
    open: (splits, context) => new GeneratorReader(settings, splits, context),
    // One poll stays within a block of its lane, so its numbers follow each other.
    describe: (_split, position, offset) => `seq ${position + offset}`,
  };
}

interface Settings<T> {
  readonly count: number;
  readonly ratePerSecond: number | null;
  readonly seed: number;
  readonly make: (seq: number, random: RandomStream) => T;
  readonly timestamp: ((value: T, seq: number) => number) | null;
  readonly lanes: number;
}

function checked<T>(options: GeneratorOptions<T>): Settings<T> {
  const count = options.count ?? Number.POSITIVE_INFINITY;
  if (count !== Number.POSITIVE_INFINITY && !(Number.isSafeInteger(count) && count >= 0)) {
    throw new ConfigError(`generator: count is a whole number of records, got ${String(count)}.`);
  }
  const lanes = options.lanes ?? LANES;
  if (!Number.isSafeInteger(lanes) || lanes < 1) {
    throw new ConfigError(`generator: lanes is a whole number of at least 1, got ${String(lanes)}.`);
  }
  return {
    count,
    ratePerSecond: checkedRate('generator', options.ratePerSecond),
    seed: hashText(String(options.seed)),
    make: options.make,
    timestamp: options.timestamp ?? null,
    lanes,
  };
}

function discoverLanes<T>(settings: Settings<T>): readonly SourceSplit<number>[] {
  // A slow generator changes lanes often: no lane then stays silent for long and holds back the watermark.
  const perTick =
    settings.ratePerSecond === null ? BATCH_RECORDS_MAX : (settings.ratePerSecond * PACE_TICK_MS) / 1000;
  const block = Math.min(BATCH_RECORDS_MAX, Math.max(1, Math.round(perTick)));
  return Array.from({ length: settings.lanes }, (_, lane) => ({
    id: `${lane}/${settings.lanes}x${block}`,
    position: lane * block,
  }));
}

/** One lane: of every `lanes * block` numbers it owns `block` consecutive ones. */
interface Lane {
  readonly id: string;
  readonly lanes: number;
  readonly block: number;
  /** Its lowest number that has not been handed over. */
  next: number;
}

class GeneratorReader<T> implements SourceReader<T, number> {
  private readonly settings: Settings<T>;
  private readonly clock: SourceContext['runtime']['clock'];
  private readonly pacer: Pacer | null;
  private readonly random: RecordRandom;
  private lanes: Lane[];

  constructor(settings: Settings<T>, splits: readonly SourceSplit<number>[], context: SourceContext) {
    this.settings = settings;
    this.clock = context.runtime.clock;
    this.random = new RecordRandom(settings.seed);
    this.lanes = splits.map((split) => parseLane(split, context));
    const first = this.lowest()?.next ?? 0;
    this.pacer =
      settings.ratePerSecond === null
        ? null
        : new Pacer(settings.ratePerSecond, first, this.clock.monotonicMs());
  }

  poll(recordsMax: number): Polled<T, number> {
    const lane = this.lowest();
    if (lane === null) return NOTHING_LEFT;
    if (lane.next >= this.settings.count) {
      this.lanes = this.lanes.filter((other) => other !== lane);
      return { kind: 'splitEnd', split: lane.id };
    }
    let end = Math.min(
      (Math.floor(lane.next / lane.block) + 1) * lane.block,
      this.settings.count,
      lane.next + recordsMax,
    );
    if (this.pacer !== null) {
      const nowMs = this.clock.monotonicMs();
      end = Math.min(end, this.pacer.dueBefore(lane.next, nowMs));
      if (end <= lane.next) return { kind: 'nothing', retryMs: this.pacer.waitMs(lane.next, nowMs) };
    }
    return this.make(lane, end);
  }

  close(): void {
    this.lanes = [];
  }

  /** Up to the first record that cannot be made. */
  private make(lane: Lane, last: number): Polled<T, number> {
    const { make, timestamp } = this.settings;
    const values: T[] = [];
    const timestamps: number[] = [];
    const rejected: Rejected[] = [];
    let end = lane.next;
    while (end < last && rejected.length === 0) {
      const seq = end;
      end += 1;
      try {
        this.random.startRecord(seq);
        const value = make(seq, this.random);
        if (typeof value === 'object') refuseLater('make of the generator', value);
        if (timestamp !== null) {
          const time = timestamp(value, seq);
          if (typeof time === 'object') refuseLater('timestamp of the generator', time);
          timestamps.push(time);
        }
        values.push(value);
      } catch (cause) {
        const position = `seq ${seq}`;
        const error = new UserCodeError('The generator could not make a record.', { position, cause });
        rejected.push({ before: values.length, record: seq, error, position });
      }
    }
    lane.next = end % lane.block === 0 ? end + (lane.lanes - 1) * lane.block : end;
    return {
      ...{ kind: 'records', split: lane.id, values, next: lane.next },
      ...(timestamp === null ? {} : { timestamps }),
      ...(rejected.length === 0 ? {} : { rejected }),
    };
  }

  private lowest(): Lane | null {
    let lowest: Lane | null = null;
    for (const lane of this.lanes) {
      if (lowest === null || lane.next < lowest.next) lowest = lane;
    }
    return lowest;
  }
}

/** Numbers behind this one are not whole any more when a block is added. */
const SEQ_MAX = Number.MAX_SAFE_INTEGER / 2;

function parseLane(split: SourceSplit<number>, context: SourceContext): Lane {
  checkCount(split, context);
  const [, lane, lanes, block] = (/^(\d+)\/(\d+)x(\d+)$/.exec(split.id) ?? []).map(Number);
  const { position: next } = split;
  if (lane !== undefined && lanes !== undefined && block !== undefined) {
    const isLane = lane < lanes && block > 0 && block <= BATCH_RECORDS_MAX && lanes * block < SEQ_MAX;
    if (isLane && next < SEQ_MAX) return { id: split.id, lanes, block, next };
  }
  throw new ConnectorError(
    `A generator has lanes, got the split ${shownValue(split.id)} at record ${next}.`,
    {
      operator: context.operator,
      subtask: context.subtask,
      remedy:
        'The checkpoint was made with another source under this uid: give the generator a uid of its own.',
      unrecoverable: true,
    },
  );
}

/** Random numbers that are a function of seed, record and draw: no state has to be kept between records. */
class RecordRandom implements RandomStream {
  private readonly seed: number;
  private state = 0;

  constructor(seed: number) {
    this.seed = seed;
  }

  startRecord(seq: number): void {
    const low = scramble((seq >>> 0) + 0x632be5ab);
    this.state = scramble((this.seed + low + Math.imul(Math.floor(seq / 4_294_967_296), 0x9e3779b1)) | 0);
  }

  next(): number {
    this.state = (this.state + 0x9e3779b9) | 0;
    return (scramble(this.state) >>> 0) / 4_294_967_296;
  }
}

function scramble(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), 0x21f0aaad);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
  return mixed ^ (mixed >>> 15);
}

function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1)
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return scramble(hash);
}
