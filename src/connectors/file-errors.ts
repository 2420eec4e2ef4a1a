// Errors of the file system in words: which file, what was tried, what to do.

import { ConnectorError, messageOf } from '../base/errors.js';

/** The `code` that Node puts on errors of the operating system, or null. */
export function codeOf(error: unknown): string | null {
  if (!(error instanceof Error)) return null;
  const code = (error as { code?: unknown }).code;
  return typeof code === 'string' ? code : null;
}

/** `action` in the infinitive: `read`, `create the directory`. */
export function fileError(operator: string, action: string, path: string, cause: unknown): ConnectorError {
  return new ConnectorError(`Cannot ${action} ${path}: ${messageOf(cause)}.`, {
    operator,
    cause,
    remedy: remedyFor(codeOf(cause)),
  });
}

function remedyFor(code: string | null): string {
  switch (code) {
    case 'EACCES':
    case 'EPERM':
      return 'Give the process the right to it, or choose another path.';
    case 'EROFS':
      return 'The file system is read-only: choose another path.';
    case 'ENOENT':
      return 'Check the path; a relative one starts at the working directory of the process.';
    case 'ENOTDIR':
    case 'EEXIST':
      return 'A part of the path is a file, not a directory: choose another path.';
    case 'EISDIR':
      return 'This is a directory: name a file.';
    case 'ENOSPC':
    case 'EDQUOT':
      return 'The disk is full: make room, the job then goes on from its last checkpoint.';
    case 'EMFILE':
    case 'ENFILE':
      return 'Too many files are open: raise the limit (ulimit -n).';
    case 'ETIMEDOUT':
      return 'Look at the disk, or the network behind it; where it may be that slow, raise deadlineMs.';
    default:
      return 'Look at the cause; the job goes on from its last checkpoint when the file system works again.';
  }
}
