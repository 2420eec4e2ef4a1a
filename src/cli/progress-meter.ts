// From one status of a job after the other to the figures that people watch.
//
// Owns:    totals over attempts, the rate, the lag of the watermark, what holds a checkpoint up.
// Not:     asking for the status (run-session.ts), writing it (human-reporter.ts, json-reporter.ts).
//
// M1. Subtasks count anew in each attempt, and one that is busy is missing from a status: totals never go down.
// M2. The rate is that of the last few seconds, so that it says what happens now.

import type { JobStatus } from '../../actors/job-handle.js';
import { MAX_TIMESTAMP, MIN_TIMESTAMP } from '../base/timestamps.js';

/** Long enough for a steady number, short enough to show a stall. */
const RATE_WINDOW_MS = 3_000;

export type WatermarkFigure =
  /** No subtask has one: the job does without event time, or has not started. */
  | { readonly kind: 'none' }
  /** The input has ended. */
  | { readonly kind: 'end' }
  | { readonly kind: 'at'; readonly timeMs: number; readonly lagMs: number };

export interface Figures {
  readonly state: JobStatus['state'];
  readonly uptimeMs: number;
  /** By the sources of all attempts: after a restart some records are read again, and counted again. */
  readonly recordsRead: number;
  readonly recordsPerSecond: number;
  /** The one that is furthest behind. */
  readonly watermark: WatermarkFigure;
  readonly checkpointsCompleted: number;
  readonly checkpointsFailed: number;
  readonly lastCheckpoint: JobStatus['lastCheckpoint'];
  /** The oldest checkpoint under way. */
  readonly pending: {
    readonly checkpoint: number;
    readonly elapsedMs: number;
    readonly missing: readonly string[];
  } | null;
  readonly restarts: number;
}

interface Sample {
  readonly atMs: number;
  readonly records: number;
}

export class ProgressMeter {
  private attempt = 0;
  private ofEarlierAttempts = 0;
  private ofThisAttempt = 0;
  private samples: Sample[] = [{ atMs: 0, records: 0 }];

  observe(status: JobStatus, now: { readonly wallMs: number; readonly monotonicMs: number }): Figures {
    const recordsRead = this.total(status);
    return {
      state: status.state,
      uptimeMs: status.uptimeMs,
      recordsRead,
      recordsPerSecond: this.rate({ atMs: status.uptimeMs, records: recordsRead }),
      watermark: watermarkOf(status, now.wallMs),
      checkpointsCompleted: status.checkpointsCompleted,
      checkpointsFailed: status.checkpointsFailed,
      lastCheckpoint: status.lastCheckpoint,
      pending: pendingOf(status, now.monotonicMs),
      restarts: status.restarts,
    };
  }

  private total(status: JobStatus): number {
    if (status.attempt !== this.attempt) {
      this.attempt = status.attempt;
      this.ofEarlierAttempts += this.ofThisAttempt;
      this.ofThisAttempt = 0;
    }
    this.ofThisAttempt = Math.max(this.ofThisAttempt, status.recordsIn);
    return this.ofEarlierAttempts + this.ofThisAttempt;
  }

  private rate(sample: Sample): number {
    // One sample from before the window stays, so that there is always something to compare with.
    while ((this.samples[1]?.atMs ?? Number.POSITIVE_INFINITY) <= sample.atMs - RATE_WINDOW_MS)
      this.samples.shift();
    this.samples.push(sample);
    const first = this.samples[0] ?? sample;
    const elapsedMs = sample.atMs - first.atMs;
    return elapsedMs <= 0 ? 0 : ((sample.records - first.records) * 1_000) / elapsedMs;
  }
}

function watermarkOf(status: JobStatus, wallMs: number): WatermarkFigure {
  const watermarks = status.subtasks.map(({ watermark }) => watermark).filter((time) => time > MIN_TIMESTAMP);
  if (watermarks.length === 0) return { kind: 'none' };
  const timeMs = watermarks.reduce((least, time) => Math.min(least, time), MAX_TIMESTAMP);
  return timeMs >= MAX_TIMESTAMP ? { kind: 'end' } : { kind: 'at', timeMs, lagMs: wallMs - timeMs };
}

function pendingOf(status: JobStatus, monotonicMs: number): Figures['pending'] {
  const oldest = status.coordinator?.pending[0];
  if (oldest === undefined) return null;
  const { checkpoint, triggeredMs, missing } = oldest;
  return { checkpoint, elapsedMs: Math.max(0, monotonicMs - triggeredMs), missing };
}
