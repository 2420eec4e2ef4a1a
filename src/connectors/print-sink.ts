// The sink for people: one line of text per record.
//
// Owns:    how a record looks.
// Not:     a format to be parsed (file-format.ts).

import { inspect } from 'node:util';
import { refuseLater } from '../base/at-once.js';
import type { PlainSink } from '../operators/sink.js';

export interface PrintSinkOptions {
  /** Where the lines go, without line end. Default: standard output. */
  readonly write?: (line: string) => void;
}

/** Prints every record, `label> ` before it, and the subtask where there are several. At least once: a restart prints again. */
export function printSink<T = unknown>(label = '', options: PrintSinkOptions = {}): PlainSink<T> {
  const write = options.write ?? printLine;
  return {
    name: label === '' ? 'print' : `print ${label}`,
    guarantee: 'atLeastOnce',
    open(context) {
      const subtask = context.parallelism > 1 ? `${label === '' ? '' : ':'}${context.subtask}` : '';
      const prefix = label === '' && subtask === '' ? '' : `${label}${subtask}> `;
      return {
        write(values) {
          for (const value of values) refuseLater('write of the print sink', write(prefix + show(value)));
        },
        flush() {
          // Every line is out when `write` returns.
        },
        close() {
          // Standard output stays open.
        },
      };
    },
  };
}

/** The same sink under its short name. */
export const print: typeof printSink = printSink;

function printLine(line: string): void {
  console.log(line);
}

function show(value: unknown): string {
  if (typeof value === 'string') return value;
  return inspect(value, {
    depth: 8,
    breakLength: Number.POSITIVE_INFINITY,
    compact: true,
    maxArrayLength: 1_000,
  });
}
