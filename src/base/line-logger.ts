// The logger that speaks when nobody gave one: warnings and errors as short lines.
//
// Owns:    the form of the lines, and which levels are written, by the environment variable WEIR_LOG.
// Not:     where the lines go: the Runtime port does (standard error in production, nowhere in virtual time).
//
// G1. One entry is one line, and the lines of its report, indented. Nothing that comes from data can begin another one.

import { messageOf } from './errors.js';
import { type LogFields, type Logger, silentLogger } from './logger.js';
import type { Runtime } from './runtime.js';
import { shownText, shownValue } from './shown-text.js';

const LEVELS = ['silent', 'error', 'warn', 'info', 'debug'] as const;

export type LogLevel = (typeof LEVELS)[number];

const LEVEL_DEFAULT: LogLevel = 'warn';
export const LEVEL_VARIABLE = 'WEIR_LOG';

/** What `run` and `actorSystem` use without a logger: WEIR_LOG=silent|error|warn|info|debug, default warn. */
export function defaultLogger(runtime: Runtime): Logger {
  const asked = runtime.environment(LEVEL_VARIABLE) ?? '';
  const level = LEVELS.find((one) => one === asked);
  const logger = lineLogger(runtime, level ?? LEVEL_DEFAULT);
  if (level === undefined && asked !== '') {
    logger.warn({ got: asked }, `${LEVEL_VARIABLE} is one of ${LEVELS.join(', ')}; ${LEVEL_DEFAULT} is used`);
  }
  return logger;
}

/** Writes what is at least as grave as `level`. */
export function lineLogger(runtime: Pick<Runtime, 'clock' | 'report'>, level: LogLevel): Logger {
  if (level === 'silent') return silentLogger;
  return leveled(runtime, LEVELS.indexOf(level), {});
}

function leveled(runtime: Pick<Runtime, 'clock' | 'report'>, most: number, inherited: LogFields): Logger {
  const at = (level: Exclude<LogLevel, 'silent'>): ((fields: LogFields, message: string) => void) => {
    if (LEVELS.indexOf(level) > most) return ignore;
    return (fields, message) => {
      const time = new Date(runtime.clock.wallMs()).toISOString().slice(11, 19);
      runtime.report(`${time} weir ${level} ${entryText({ ...inherited, ...fields }, message)}`);
    };
  };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => leveled(runtime, most, { ...inherited, ...fields }),
  };
}

/** The text of an entry: message, facts, and either its report or its error. */
export function entryText(fields: LogFields, message: string): string {
  const { error, report, ...facts } = fields;
  const shown = Object.entries(facts).map(([name, value]) => ` ${shownText(name)}=${factText(value)}`);
  const line = `${shownText(message)}${shown.join('')}`;
  if (Array.isArray(report)) return [line, ...report.map(reportLine)].join('\n    ');
  return error === undefined
    ? line
    : `${line}: ${shownText(typeof error === 'string' ? error : messageOf(error))}`;
}

function reportLine(line: unknown): string {
  return String(line)
    .split('\n')
    .map((part) => shownText(part))
    .join('\n    ');
}

function factText(value: unknown): string {
  return typeof value === 'string' ? shownText(value) : shownValue(value);
}

function ignore(): void {
  // Below the level that was asked for.
}
