// An exploration as the tests of a test runner: shares of the seeds, one test each, and a verdict over all of them.
//
// Owns:    the options of `chaosTest`, dividing seeds, what makes a test fail, replaying a token instead.
// Not:     registering tests (vitest.ts, node-test.ts).
//
// S1. Every seed belongs to exactly one share.
// S2. What must happen sometimes is judged over all shares: one of them alone need not see it.

import { ConfigError } from '../base/errors.js';
import type { PropertyCount } from './execution.js';
import type { ExploreReport, Failure } from './exploration.js';
import { failureText, isOfExploration } from './failure-report.js';
import { parseReplayToken } from './replay-token.js';
import { numberOf, showCount } from './report-words.js';
import { type ExploreWith, exploreReport, type Runnable, runResult, ViolationError } from './runnable.js';
import { unreachedProperties } from './vacuity.js';

export interface ChaosTestOptions extends ExploreWith {
  /** Tests that share the seeds, so that a runner shows progress and a failure stops only its share. Default 1. */
  readonly shards?: number;
  /** Real milliseconds for each test. Default 120,000. */
  readonly timeoutMs?: number;
}

/** Tests of simulations are long where other tests are short. */
export const TEST_TIMEOUT_MS = 120_000;
const SEEDS_DEFAULT = 100;

export interface Share {
  readonly firstSeed: number;
  readonly seeds: number;
}

/** Contiguous shares, as equal as whole numbers can be; fewer than `count` when there are fewer seeds. */
export function sharesOf(firstSeed: number, seeds: number, count: number): readonly Share[] {
  const shares = Math.min(count, seeds);
  return Array.from({ length: shares }, (_, index) => {
    const from = Math.floor((index * seeds) / shares);
    const to = Math.floor(((index + 1) * seeds) / shares);
    return { firstSeed: firstSeed + from, seeds: to - from };
  });
}

export class ShardedExploration {
  readonly shares: readonly Share[];
  readonly #scenario: Runnable;
  readonly #options: ChaosTestOptions;
  readonly #replayCommand: (token: string) => string;
  readonly #properties = new Map<string, PropertyCount>();
  #seeds = 0;

  /** Throws ConfigError for a number of shards or seeds that is no number. */
  constructor(scenario: Runnable, options: ChaosTestOptions, replayCommand: (token: string) => string) {
    const { firstSeed = 1, seeds = SEEDS_DEFAULT, shards = 1 } = options;
    for (const [name, value] of Object.entries({ seeds, shards })) {
      if (Number.isSafeInteger(value) && value >= 1) continue;
      throw new ConfigError(`${name} of a chaos test is a whole number of at least 1, got ${value}.`);
    }
    this.shares = sharesOf(firstSeed, seeds, shards);
    this.#scenario = scenario;
    this.#options = options;
    this.#replayCommand = replayCommand;
  }

  /** Throws ViolationError with the reports of the failures. Returns sentences for whoever reads a good test. */
  async explore(share: Share): Promise<readonly string[]> {
    const report = await exploreReport(this.#scenario, { ...this.#options, ...share });
    this.#seeds += report.seeds;
    for (const [name, count] of report.properties) this.#add(name, count);
    const alone = this.shares.length === 1;
    const failures = report.failures.filter((failure) => alone || !isOfExploration(failure));
    if (failures.length > 0) throw violation(failures, report, this.#replayCommand);
    return [figures(report), ...report.vacuous];
  }

  /** After all shares. Throws ViolationError. */
  judge(): void {
    const [first, ...rest] = unreachedProperties(this.#properties, this.#seeds);
    if (first === undefined) return;
    const message = [first, ...rest].map((one) => one.message).join('\n');
    throw new ViolationError(message, { failures: [], report: null });
  }

  #add(name: string, { kind, held, failed }: PropertyCount): void {
    const sum = this.#properties.get(name) ?? { kind, held: 0, failed: 0 };
    this.#properties.set(name, { kind: sum.kind, held: sum.held + held, failed: sum.failed + failed });
  }
}

/** False: the token is of another scenario, and this test has nothing to replay. Throws ViolationError, or ConfigError. */
export async function replayInTest(
  scenario: Runnable,
  token: string,
  replayCommand: (token: string) => string,
): Promise<boolean> {
  if (parseReplayToken(token).subject !== scenario.subject.name) return false;
  const { failure } = await runResult(scenario.replay(token));
  if (failure !== null) throw violation([failure], null, replayCommand);
  return true;
}

/** For a shell: a name may hold anything. */
export function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function violation(
  failures: readonly Failure[],
  report: ExploreReport | null,
  replayCommand: (token: string) => string,
): ViolationError {
  const texts = failures.map((one) => failureText(one, { replayCommand: replayCommand(one.token) }));
  return new ViolationError(texts.join('\n\n'), { failures, report });
}

function figures(report: ExploreReport): string {
  const fired = [...report.faultsFired.values()].reduce((sum, count) => sum + count, 0);
  return [
    `${numberOf(report.seeds, 'seed')} (${showCount(report.seedsPerMinute)}/min)`,
    numberOf(fired, 'fault'),
    numberOf(report.counts.checkpoints, 'checkpoint'),
    numberOf(report.counts.restores, 'restore'),
  ].join(', ');
}
