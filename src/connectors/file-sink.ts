// The sink that publishes files: exactly once, whatever crashes.
//
// Owns:    options and opening.
// Not:     writing (file-sink-writer.ts), committing (file-commits.ts).

import { ConfigError } from '../base/errors.js';
import type { TransactionalSink } from '../operators/sink.js';
import { FileCommits, type FileCommittable } from './file-commits.js';
import { checkedDeadline, filesWithDeadline } from './file-deadline.js';
import { type FileFormat, ndjson } from './file-format.js';
import {
  asideName,
  EXTENSION_BYTES_MAX,
  ownerOf,
  PREFIX_BYTES_MAX,
  prefixOf,
  tokenOf,
} from './file-sink-names.js';
import { FileSinkWriter } from './file-sink-writer.js';

export interface FileSinkOptions<T> {
  /** Default `ndjson()`. */
  readonly format?: FileFormat<T>;
  /** Ends files between checkpoints too: at so many bytes, or so many ms after their first record. Default: neither. */
  readonly roll?: { readonly sizeBytes?: number; readonly intervalMs?: number };
  /** What file names begin with: no slashes, no leading dot, at most 128 bytes. Default: the uid of the sink. */
  readonly prefix?: string;
  /** A file operation that has not settled after so many ms fails the attempt. Default 60,000. */
  readonly deadlineMs?: number;
}

/**
 * Writes records into files of `directory`, transactionally: a file appears there, whole, when the checkpoint that contains its
 * records is complete, and never twice. Until then it is in `<directory>/.weir`. A checkpoint ends the current files, so their
 * number follows the checkpoint interval. Files of others in the directory are left alone; one directory can serve several
 * sinks and jobs, but not the same job running twice at a time. Fails at start when the directory cannot be written.
 */
export function fileSink<T = unknown>(
  directory: string,
  options: FileSinkOptions<T> = {},
): TransactionalSink<T, FileCommittable> {
  if (directory === '') throw new ConfigError('fileSink: name a directory.');
  const format = options.format ?? ndjson();
  const roll = {
    sizeBytes: positive('roll.sizeBytes', options.roll?.sizeBytes),
    intervalMs: positive('roll.intervalMs', options.roll?.intervalMs),
  };
  const prefix = options.prefix === undefined ? null : checkedPrefix(options.prefix);
  checkedExtension(format);
  const deadlineMs = checkedDeadline('fileSink', options.deadlineMs);
  return {
    name: `files ${directory}`,
    guarantee: 'transactional',
    async open(context) {
      const naming = {
        owner: ownerOf(context.job, context.uid),
        prefix: prefix ?? prefixOf(context.uid),
        subtask: context.subtask,
        attempt: context.attempt,
        token: tokenOf(context.runtime.id('file-sink')),
        extension: format.extension,
      };
      const commits = new FileCommits(directory, filesWithDeadline(context.runtime, deadlineMs), context);
      await commits.open(asideName(naming, 0));
      return new FileSinkWriter(commits, naming, format, roll, context);
    },
  };
}

function positive(name: string, value: number | undefined): number | null {
  if (value === undefined) return null;
  if (Number.isFinite(value) && value > 0) return value;
  throw new ConfigError(`fileSink: ${name} is a positive number, got ${String(value)}.`, {
    remedy: 'Leave it out for none.',
  });
}

function checkedPrefix(prefix: string): string {
  if (isPartOfName(prefix, PREFIX_BYTES_MAX)) return prefix;
  throw new ConfigError(`fileSink: prefix is the beginning of a file name, got ${shown(prefix)}.`, {
    remedy: `Leave out slashes, control characters and a leading dot, and stay within ${PREFIX_BYTES_MAX} bytes.`,
  });
}

function checkedExtension({ name, extension }: FileFormat<never>): void {
  if (isPartOfName(extension, EXTENSION_BYTES_MAX)) return;
  throw new ConfigError(
    `fileSink: the extension of format "${name}" is the end of a file name, got ${shown(extension)}.`,
    {
      remedy: `Leave out slashes, control characters and the leading dot, and stay within ${EXTENSION_BYTES_MAX} bytes.`,
    },
  );
}

/** Neither another directory, nor hidden, nor anything that a terminal or a file system would trip over. */
function isPartOfName(text: unknown, bytesMax: number): text is string {
  return (
    typeof text === 'string' &&
    /^[^./\\\p{Cc}][^/\\\p{Cc}]*$/u.test(text) &&
    Buffer.byteLength(text) <= bytesMax
  );
}

function shown(text: unknown): string {
  const whole = JSON.stringify(text) ?? String(text);
  return whole.length <= 80 ? whole : `${whole.slice(0, 80)}... (${whole.length} characters)`;
}
