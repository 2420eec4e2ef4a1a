// Faults of the outside world that a test switches on: hooks that are asked before every operation.
//
// Owns:    the vocabulary of faults. Null means: no fault.
// Not:     when to inject what; that is the test's plan.

export type FileOperation =
  | 'open'
  | 'read'
  | 'append'
  | 'sync'
  | 'truncate'
  | 'stat'
  | 'close'
  | 'list'
  | 'makeDirectory'
  | 'rename'
  | 'remove'
  | 'removeDirectory'
  | 'syncDirectory';

/**
 * `hang`: never completes. `failWritten` and `hangWritten`: takes effect, and then fails with EIO or never completes. Anything
 * else is the code of the error, as Node names it: `EIO`, `ENOSPC`, `EACCES`.
 */
export type FileFault = 'hang' | 'failWritten' | 'hangWritten' | `E${string}` | null;

export type KeyValueOperation = 'open' | 'commit';

/**
 * What a commit, or the claim of ownership at `open`, meets:
 * - `full`: refused for want of space before anything is written; the environment stays usable
 * - `reject`: fails, nothing is written
 * - `rejectVisible`: fails, but can be read; a power cut may drop it
 * - `rejectWritten`: fails, although it is durable
 * - `hang`: never settles, nothing is written
 * - `hangWritten`: never settles, although it is durable
 * - `{ delayMs }`: succeeds late
 */
export type KeyValueFault =
  | 'full'
  | 'reject'
  | 'rejectVisible'
  | 'rejectWritten'
  | 'hang'
  | 'hangWritten'
  | { readonly delayMs: number }
  | null;

/** Shared by all processes of a simulation; assign a hook to switch a fault on, null to switch it off. */
export interface VirtualFaults {
  files: ((operation: FileOperation, path: string) => FileFault) | null;
  keyValues: ((operation: KeyValueOperation, directory: string) => KeyValueFault) | null;
}
