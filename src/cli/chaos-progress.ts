// An exploration while it runs: one line that follows it, or JSON lines for programs.
//
// Owns:    the words and the pace.
// Not:     the screen (terminal.ts), the result (report-explore.ts).
//
// P1. Explorations report after every seed, thousands of times a minute; only a few of the reports are shown.

import type { Clock } from '../base/runtime.js';
import { shownJson, shownText } from '../base/shown-text.js';
import type { ExploreProgress } from '../chaos/exploration.js';
import { showCount, showNumberOf } from './human-format.js';
import type { Terminal } from './terminal.js';

export interface ChaosProgress {
  update(scenario: string, progress: ExploreProgress): void;
  close(): void;
}

/** A JSON line of progress; the only kind of line that `weir chaos --json` writes to standard error. */
export interface ProgressLine extends ExploreProgress {
  readonly kind: 'progress';
  readonly at: string;
  readonly scenario: string;
}

const LIVE_MS = 250;
const PLAIN_MS = 5_000;

export function humanProgress(terminal: Terminal, clock: Clock, seeds: number | null): ChaosProgress {
  const due = paced(clock, terminal.live ? LIVE_MS : PLAIN_MS);
  return {
    update(scenario, progress) {
      if (due()) terminal.status(shownText(progressLine(scenario, progress, seeds)));
    },
    close: () => terminal.close(),
  };
}

export function jsonProgress(write: (line: string) => void, clock: Clock): ChaosProgress {
  const due = paced(clock, LIVE_MS);
  return {
    update(scenario, progress) {
      if (!due()) return;
      const at = new Date(clock.wallMs()).toISOString();
      const line: ProgressLine = { at, kind: 'progress', scenario, ...progress };
      write(`${shownJson(JSON.stringify(line))}\n`);
    },
    close: () => undefined,
  };
}

/** One line of figures, the most wanted first, because a narrow terminal cuts it. `seeds`: how many there will be. */
export function progressLine(scenario: string, progress: ExploreProgress, seeds: number | null): string {
  const of =
    seeds === null
      ? showNumberOf(progress.seeds, 'seed')
      : `${showCount(progress.seeds)} of ${showCount(seeds)} seeds`;
  return [
    `${scenario}: ${of}`,
    ...(progress.failures === 0 ? [] : [showNumberOf(progress.failures, 'violation')]),
    `${showCount(progress.seedsPerMinute)} seeds/min`,
    showNumberOf(progress.faultsFired, 'fault'),
    showNumberOf(progress.checkpoints, 'checkpoint'),
    showNumberOf(progress.restores, 'restore'),
  ].join(' | ');
}

/** The sum over processes that explore at the same time. */
export function progressOf(parts: readonly ExploreProgress[]): ExploreProgress {
  const sum = (figure: (part: ExploreProgress) => number): number =>
    parts.reduce((total, part) => total + figure(part), 0);
  return {
    seeds: sum((part) => part.seeds),
    failures: sum((part) => part.failures),
    seedsPerMinute: sum((part) => part.seedsPerMinute),
    faultsFired: sum((part) => part.faultsFired),
    checkpoints: sum((part) => part.checkpoints),
    restores: sum((part) => part.restores),
  };
}

function paced(clock: Clock, intervalMs: number): () => boolean {
  let lastMs = clock.monotonicMs();
  return () => {
    const nowMs = clock.monotonicMs();
    if (nowMs - lastMs < intervalMs) return false;
    lastMs = nowMs;
    return true;
  };
}
