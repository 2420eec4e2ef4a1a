// A run for programs: one JSON object per line, each with `at` (wall clock, ISO) and `kind`.
//
// Owns:    the shape of the lines: log, started, status, note, ended, failed. Programs rely on it: only add to it.

import { messageOf, WeirError } from '../base/errors.js';
import type { Clock } from '../base/runtime.js';
import { shownJson } from '../base/shown-text.js';
import type { RunReporter } from './run-reporter.js';

export function jsonReporter(options: {
  readonly clock: Clock;
  readonly write: (line: string) => void;
}): RunReporter {
  const say = (kind: string, facts: object): void => {
    const at = new Date(options.clock.wallMs()).toISOString();
    options.write(`${shownJson(JSON.stringify({ at, kind, ...facts }, plain))}\n`);
  };
  return {
    log: ({ level, message, fields }) => say('log', { level, message, fields }),
    started: (start) => say('started', start),
    status: (figures) => say('status', figures),
    note: (text) => say('note', { text }),
    ended({ result, ...rest }) {
      say('ended', { ...result, ...rest });
    },
    failed: (error) => say('failed', { error }),
    close: () => undefined,
  };
}

// JSON leaves out what errors are made of, and refuses bigints.
function plain(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (!(value instanceof Error)) return value;
  const { name, cause } = value;
  const common = { name, message: messageOf(value), ...(cause === undefined ? {} : { cause }) };
  if (!(value instanceof WeirError)) return common;
  const { code, operator, subtask, position, declaredAt, record, remedy } = value;
  return { code, operator, subtask, position, declaredAt, record, remedy, ...common };
}
