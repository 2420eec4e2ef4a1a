// What a run has to say, before it is text or JSON.
//
// Owns:    the interface between a run and whoever shows it, and the logger that feeds it.
// Not:     the two ways to show it (human-reporter.ts, json-reporter.ts).

import type { JobResult } from '../../actors/job-handle.js';
import type { LogFields, Logger } from '../base/logger.js';
import type { GuaranteeReport } from '../graph/job-plan.js';
import type { Figures } from './progress-meter.js';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface LogEntry {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields;
}

export interface RunStart {
  readonly job: string;
  readonly parallelism: number;
  readonly guarantee: GuaranteeReport;
  /** Null: without checkpoints. */
  readonly checkpoints: { readonly directory: string; readonly intervalMs: number } | null;
  /** Null: from scratch. */
  readonly restoredFrom: string | null;
}

export interface RunEnd {
  readonly result: JobResult;
  readonly durationMs: number;
  /** Null: without checkpoints. */
  readonly directory: string | null;
  /** The checkpoint with which an earlier run had finished the job; null otherwise. */
  readonly finishedBefore: number | null;
  /** The command that goes on. */
  readonly again: string;
}

export interface RunReporter {
  log(entry: LogEntry): void;
  started(start: RunStart): void;
  status(figures: Figures): void;
  /** What is being done about an interrupt. */
  note(text: string): void;
  ended(end: RunEnd): void;
  failed(error: unknown): void;
  /** After everything else. */
  close(): void;
}

/** A logger whose entries go to one function, with the fields of its ancestors. */
export function entryLogger(receive: (entry: LogEntry) => void, inherited: LogFields = {}): Logger {
  const at =
    (level: LogLevel) =>
    (fields: LogFields, message: string): void =>
      receive({ level, message, fields: { ...inherited, ...fields } });
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => entryLogger(receive, { ...inherited, ...fields }),
  };
}
