// How a person sees a run again: the last line of every report.
//
// Owns:    the command for a scenario, and the name of the variable that plain tests look at.
// Not:     replaying (runs-of.ts), the commands of test runners (report-shards.ts).

import { nodeRuntime } from '../base/node-runtime.js';

/** The token in this environment variable is replayed instead of exploring. */
export const REPLAY_VARIABLE = 'CHAOS_REPLAY';

/**
 * With the file that exports the scenario: a command of the shell. Without it nobody knows which command led here, and
 * it has to be given again.
 */
export function replayCommandOf(name: string, module: string | null, token: string): string {
  if (module === null) return `${REPLAY_VARIABLE}=${token} <the command that ran this>`;
  return `npx weir chaos replay ${quoted(pathOf(module))} --scenario ${quoted(name)} ${token}`;
}

/** For a shell: a name may hold anything. */
export function quoted(text: string): string {
  return /^[\w./:@-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** Relative to where the command was given, when the file is below it. */
function pathOf(module: string): string {
  const path = module.startsWith('file:') ? decodeURIComponent(new URL(module).pathname) : module;
  const here = `${nodeRuntime().environment('PWD') ?? ''}/`;
  return here.length > 1 && path.startsWith(here) ? path.slice(here.length) : path;
}
