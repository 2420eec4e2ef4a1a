// How a file sink turns records into text: NDJSON, CSV, or a format of the user.
//
// Owns:    encoding, quoting, headers.
// Not:     files (file-sink.ts).
//
// X1. Every record ends with a line end, so that files can be concatenated and a torn tail can be seen.

import { refuseLater } from '../base/at-once.js';
import { ConfigError, UserCodeError } from '../base/errors.js';

/** A way to write records of type `T` into a file. `encode` must answer the same text for the same record. */
export interface FileFormat<in T> {
  /** For people: `ndjson`. */
  readonly name: string;
  /** Of the files, without dot: `ndjson`, `csv`. */
  readonly extension: string;
  /** Written at the beginning of each file. Default: nothing. */
  readonly header?: string;
  /** The text of one record, line end included. What it throws fails the attempt. */
  encode(value: T): string;
}

/** One JSON text per line, as `JSON.stringify` writes it. `undefined`, functions and bigints are errors. */
export function ndjson<T = unknown>(): FileFormat<T> {
  return {
    name: 'ndjson',
    extension: 'ndjson',
    encode(value) {
      const text = JSON.stringify(value) as string | undefined;
      if (text !== undefined) return `${text}\n`;
      throw new UserCodeError(`NDJSON cannot express a ${typeof value}.`, {
        unrecoverable: true,
        remedy: 'Map the records to plain objects before the sink, or give the sink a format of your own.',
      });
    },
  };
}

/** A column: a property of the record, or a name and how to get the value. */
export type CsvColumn<T> =
  | (keyof T & string)
  | { readonly name: string; readonly value: (record: T) => unknown };

export interface CsvOptions<T> {
  readonly columns: readonly CsvColumn<T>[];
  /** Write the column names as the first line of each file. Default true. */
  readonly header?: boolean;
  /** Default `,`. */
  readonly delimiter?: string;
  /** Default `\r\n`, as RFC 4180 says. */
  readonly newline?: '\n' | '\r\n';
}

/**
 * Comma-separated values per RFC 4180: fields with delimiter, quote, line end, or blank at either end are quoted, quotes are
 * doubled. null and undefined are empty, the empty string is `""`, dates are ISO 8601, other objects JSON.
 */
export function csv<T>(options: CsvOptions<T>): FileFormat<T> {
  const delimiter = options.delimiter ?? ',';
  const newline = options.newline ?? '\r\n';
  if (options.columns.length === 0) throw new ConfigError('csv: name at least one column.');
  if (delimiter.length !== 1 || '"\r\n'.includes(delimiter)) {
    throw new ConfigError(
      `csv: delimiter is one character other than quote and line end, got ${JSON.stringify(delimiter)}.`,
    );
  }
  const columns = options.columns.map((column) =>
    typeof column === 'string'
      ? { name: column as string, value: (record: T): unknown => record[column] }
      : column,
  );
  const line = (fields: readonly string[]): string => fields.join(delimiter) + newline;
  const format: FileFormat<T> = {
    name: 'csv',
    extension: 'csv',
    encode: (record) => line(columns.map((column) => csvField(column.value(record), delimiter))),
  };
  if (options.header === false) return format;
  return { ...format, header: line(columns.map((column) => csvField(column.name, delimiter))) };
}

function csvField(value: unknown, delimiter: string): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'object') refuseLater('the value of a CSV column', value);
  const text = csvText(value);
  const plain = text !== '' && !/["\r\n]|^\s|\s$/.test(text) && !text.includes(delimiter);
  return plain ? text : `"${text.replaceAll('"', '""')}"`;
}

function csvText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value instanceof Date) return value.toISOString();
  if (typeof value === 'object') return JSON.stringify(value);
  if (typeof value === 'function' || typeof value === 'symbol') {
    throw new UserCodeError(`CSV cannot express a ${typeof value}.`, {
      unrecoverable: true,
      remedy: 'Map it to text before the sink.',
    });
  }
  return String(value);
}
