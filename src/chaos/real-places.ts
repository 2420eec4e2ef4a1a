// Where a run in real threads or processes keeps what it keeps.
//
// Owns:    the names below the directory of one run.
// Not:     making and removing that directory (real-supervisor.ts).

import { join } from 'node:path';

export function checkpointsIn(directory: string): string {
  return join(directory, 'checkpoints');
}

/** Outside of the job: what is committed here is what the checks read. */
export function outputIn(directory: string): string {
  return join(directory, 'output');
}

export function savepointIn(directory: string, name: string): string {
  return join(directory, 'savepoints', name);
}

/** The task of the next life, for a process. */
export function taskIn(directory: string): string {
  return join(directory, 'task.json');
}
