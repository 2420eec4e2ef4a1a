// Files whose operations come to an end: what takes too long has failed.
//
// Owns:    the deadline of each operation, and closing files that are opened after it.
// Not:     what a failure means for the attempt (file-tail.ts, file-sink-writer.ts).
//
// D1. An operation that has not settled in time fails; it may still take effect later, so its file is suspect.
// D2. A file that is opened late is closed again: nobody holds its handle.

import { ConfigError } from '../base/errors.js';
import type { FileHandle, FileSystem, Runtime } from '../base/runtime.js';

/** Longer than any healthy fsync, shorter than patience: network disks and dying ones can leave an operation open for ever. */
export const FILE_OPERATION_DEADLINE_MS = 60_000;

type Limited = <T>(
  what: string,
  path: string,
  operation: Promise<T>,
  late?: (value: T) => void,
) => Promise<T>;

/** The files of the runtime; an operation that takes longer than `deadlineMs` fails, with the code `ETIMEDOUT`. */
export function filesWithDeadline({ files, timers }: Runtime, deadlineMs: number): FileSystem {
  const limited: Limited = (what, path, operation, late) =>
    new Promise((resolve, reject) => {
      let over = false;
      const timer = timers.after(deadlineMs, () => {
        over = true;
        reject(tooLong(what, path, deadlineMs));
      });
      operation.then(
        (value) => {
          timer.cancel();
          if (over) late?.(value);
          else resolve(value);
        },
        (error: unknown) => {
          timer.cancel();
          reject(error);
        },
      );
    });
  return {
    open: async (path, mode) => {
      const opened = limited('open', path, files.open(path, mode), closeUnheld);
      return handleWithDeadline(await opened, path, limited);
    },
    stat: (path) => limited('stat', path, files.stat(path)),
    list: (path) => limited('list', path, files.list(path)),
    makeDirectory: (path) => limited('make the directory', path, files.makeDirectory(path)),
    rename: (from, to) => limited('rename', from, files.rename(from, to)),
    remove: (path) => limited('remove', path, files.remove(path)),
    removeDirectory: (path) => limited('remove the directory', path, files.removeDirectory(path)),
    syncDirectory: (path) => limited('sync the directory', path, files.syncDirectory(path)),
  };
}

/** Milliseconds, from an option of a connector. */
export function checkedDeadline(connector: string, deadlineMs: number | undefined): number {
  if (deadlineMs === undefined) return FILE_OPERATION_DEADLINE_MS;
  if (Number.isFinite(deadlineMs) && deadlineMs > 0) return deadlineMs;
  throw new ConfigError(`${connector}: deadlineMs is a positive number, got ${String(deadlineMs)}.`);
}

function handleWithDeadline(handle: FileHandle, path: string, limited: Limited): FileHandle {
  return {
    read: (position, length) => limited('read', path, handle.read(position, length)),
    append: (bytes) => limited('append', path, handle.append(bytes)),
    sync: () => limited('sync', path, handle.sync()),
    truncate: (sizeBytes) => limited('truncate', path, handle.truncate(sizeBytes)),
    stat: () => limited('stat', path, handle.stat()),
    close: () => limited('close', path, handle.close()),
  };
}

function closeUnheld(handle: FileHandle): void {
  // Whoever wanted it has been told that it failed; there is nobody left to tell more.
  handle.close().catch(() => undefined);
}

/** As errors of the operating system look, so that they are told in the same way (file-errors.ts). */
function tooLong(what: string, path: string, deadlineMs: number): Error {
  return Object.assign(new Error(`ETIMEDOUT: no answer after ${deadlineMs} ms, ${what} '${path}'`), {
    code: 'ETIMEDOUT',
  });
}
