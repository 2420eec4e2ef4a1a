// A run for people: a few lines at the start and at the end, one line that follows the job, logs in between.
//
// Owns:    the words.
// Not:     the screen (terminal.ts), the figures (progress-meter.ts), errors (error-report.ts).

import type { JobResult } from '../../actors/job-handle.js';
import { reportError } from '../base/error-report.js';
import { messageOf } from '../base/errors.js';
import type { Clock } from '../base/runtime.js';
import { shownLines, shownText, shownValue } from '../base/shown-text.js';
import { showTime } from '../base/timestamps.js';
import { isLongLag, showBytes, showClock, showCount, showDuration, showNumberOf } from './human-format.js';
import type { Figures, WatermarkFigure } from './progress-meter.js';
import type { LogEntry, LogLevel, RunEnd, RunReporter, RunStart } from './run-reporter.js';
import type { Style, Terminal } from './terminal.js';

export interface HumanReporterOptions {
  readonly terminal: Terminal;
  readonly clock: Clock;
  readonly directory: string;
  readonly verbose: boolean;
}

/** A checkpoint that takes longer is worth a word about who it waits for. */
const SLOW_CHECKPOINT_MS = 1_000;
const MISSING_SHOWN_MAX = 3;

const GUARANTEES = {
  exactlyOnce: 'exactly once',
  atLeastOnce: 'at least once',
  atMostOnce: 'at most once',
} as const;

export function humanReporter(options: HumanReporterOptions): RunReporter {
  const { terminal } = options;
  // An error passes several actors, and each of them says so.
  let lastError: unknown = null;
  const say = (text: string, style: Style | null = null): void => {
    const shown = shownLines(text);
    terminal.line(style === null ? shown : terminal.paint(style, shown));
  };
  return {
    log(entry) {
      const error = entry.fields['error'];
      const line = options.verbose
        ? fullLog(entry)
        : briefLog(entry, error !== undefined && error === lastError);
      if (line === null) return;
      lastError = error;
      const time = terminal.paint('dim', showClock(options.clock.wallMs()));
      terminal.line(`${time} ${colored(terminal, entry.level, shownLines(line))}`);
    },
    started(start) {
      for (const line of startLines(start)) say(line);
    },
    status: (figures) => terminal.status(shownText(statusLine(figures))),
    note: (text) => say(text, 'bold'),
    ended(end) {
      const [head = '', ...rest] = endLines(end);
      say(head, end.result.state === 'CANCELED' ? 'yellow' : 'green');
      for (const line of rest) say(line);
    },
    failed(error) {
      const [head = '', ...rest] = reportError(error, options);
      terminal.line(`${terminal.paint('red', 'weir:')} ${shownLines(head)}`);
      for (const line of rest) say(line);
    },
    close: () => terminal.close(),
  };
}

function startLines(start: RunStart): string[] {
  const { checkpoints, guarantee } = start;
  return [
    `${start.job}: parallelism ${start.parallelism}, ${
      checkpoints === null
        ? 'no checkpoints'
        : `a checkpoint every ${showDuration(checkpoints.intervalMs)} in ${checkpoints.directory}`
    }`,
    `  ${GUARANTEES[guarantee.guarantee]}, end to end${guarantee.reasons.length === 0 ? '' : ':'}`,
    ...guarantee.reasons.map((reason) => `    ${reason}`),
    `  ${start.restoredFrom === null ? 'starts from scratch' : `restored from ${start.restoredFrom}`}`,
  ];
}

/** One line of figures, the most wanted first, because a narrow terminal cuts it. */
export function statusLine(figures: Figures): string {
  return [
    `${figures.state} ${showDuration(figures.uptimeMs)}`,
    `${showCount(figures.recordsPerSecond)} records/s`,
    `${showCount(figures.recordsRead)} read`,
    showNumberOf(figures.restarts, 'restart'),
    ...watermarkText(figures.watermark),
    ...checkpointText(figures),
  ].join(' | ');
}

function watermarkText(watermark: WatermarkFigure): string[] {
  switch (watermark.kind) {
    case 'none':
      return [];
    case 'end':
      return ['watermark at the end'];
    default:
      if (isLongLag(watermark.lagMs)) return [`watermark ${showTime(watermark.timeMs)}`];
      return watermark.lagMs >= 0
        ? [`watermark ${showDuration(watermark.lagMs)} behind`]
        : [`watermark ${showDuration(-watermark.lagMs)} ahead`];
  }
}

function checkpointText(figures: Figures): string[] {
  const { lastCheckpoint, pending, checkpointsFailed } = figures;
  const texts: string[] = [];
  if (lastCheckpoint !== null) {
    const { id, durationMs, bytes } = lastCheckpoint;
    texts.push(`checkpoint ${id} in ${showDuration(durationMs)}, ${showBytes(bytes)}`);
  }
  if (checkpointsFailed > 0) texts.push(`${showCount(checkpointsFailed)} failed`);
  if (pending !== null && pending.elapsedMs >= SLOW_CHECKPOINT_MS) {
    const { checkpoint, elapsedMs, missing } = pending;
    const shown = missing.slice(0, MISSING_SHOWN_MAX).join(', ');
    const more = missing.length > MISSING_SHOWN_MAX ? ` and ${missing.length - MISSING_SHOWN_MAX} more` : '';
    const waiting = missing.length === 0 ? '' : `, waits for ${shown}${more}`;
    texts.push(`checkpoint ${checkpoint} takes ${showDuration(elapsedMs)}${waiting}`);
  }
  return texts;
}

function endLines(end: RunEnd): string[] {
  const { result, directory } = end;
  const facts = [
    showDuration(end.durationMs),
    ...(directory === null ? [] : [showNumberOf(result.checkpointsCompleted, 'checkpoint')]),
    showNumberOf(result.restarts, 'restart'),
    ...leftOut(result),
  ].join(', ');
  switch (result.state) {
    case 'FINISHED':
      return end.finishedBefore === null || directory === null
        ? [`finished: ${facts}`]
        : [
            `nothing was left to do: the job had finished before, with checkpoint ${end.finishedBefore} in ${directory}`,
            '  input that has come since is not read',
            `  to start afresh: remove that directory, or name another one with --checkpoint-dir`,
          ];
    case 'SUSPENDED':
      return [
        `stopped with checkpoint ${result.savepoint?.checkpoint ?? ''}: ${facts}`,
        `  to go on: ${end.again}`,
      ];
    default:
      return [
        `canceled: ${facts}`,
        directory === null
          ? '  nothing was kept'
          : `  nothing more was committed; to go on from the last checkpoint: ${end.again}`,
      ];
  }
}

/** Null: of no interest unless asked for. */
function briefLog(entry: LogEntry, errorSaid: boolean): string | null {
  const { level, fields } = entry;
  // The start of an attempt is of interest to everybody; the first one is part of the start of the run.
  if (level === 'info' && typeof fields['restoredFrom'] === 'string') {
    return `goes on from ${fields['restoredFrom']}, attempt ${String(fields['attempt'])}`;
  }
  if (level === 'debug' || level === 'info') return null;
  const hidden = new Set([
    'job',
    ...(fields['actor'] === '/job' ? ['actor'] : []),
    ...(errorSaid ? ['error'] : []),
  ]);
  const shown = Object.entries(fields).filter(([name]) => !hidden.has(name));
  return `${level} ${entry.message}${shownFields(Object.fromEntries(shown))}`;
}

function fullLog(entry: LogEntry): string {
  return `${entry.level} ${entry.message}${shownFields(entry.fields)}`;
}

function shownFields(fields: Readonly<Record<string, unknown>>): string {
  const { report, ...others } = fields;
  // The report of a failure has its error in it.
  const shown = Object.entries(others).filter(([name]) => name !== 'error' || report === undefined);
  const texts = shown.map(([name, value]) =>
    name === 'error' ? `\n    ${plain(value)}` : ` ${shownText(name)}=${plain(value)}`,
  );
  return [...texts, ...reportLines(report)].join('');
}

function reportLines(report: unknown): readonly string[] {
  return Array.isArray(report)
    ? report.map((line) => `\n    ${String(line).replaceAll('\n', '\n    ')}`)
    : [];
}

function plain(value: unknown): string {
  if (value instanceof Error) return messageOf(value).replaceAll('\n', '\n    ');
  return typeof value === 'string' ? shownText(value) : shownValue(value);
}

function colored(terminal: Terminal, level: LogLevel, text: string): string {
  if (level === 'error') return terminal.paint('red', text);
  return level === 'warn' ? terminal.paint('yellow', text) : text;
}

/** What is missing in the results because of single records; nothing where nothing is. */
function leftOut({ lateRecords, skippedRecords, deadLetters }: JobResult): readonly string[] {
  return [
    ...(lateRecords === 0 ? [] : [showNumberOf(lateRecords, 'late record')]),
    ...(skippedRecords === 0 ? [] : [`${showNumberOf(skippedRecords, 'record')} skipped`]),
    ...(deadLetters === 0 ? [] : [showNumberOf(deadLetters, 'dead letter')]),
  ];
}
