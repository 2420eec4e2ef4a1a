// The exit codes of `weir`: scripts and process supervisors rely on them.

export type ExitCode = 0 | 1 | 2 | 130;

/** The job has finished, or was stopped as asked; or the question was answered. */
export const EXIT_OK: ExitCode = 0;
/** The job failed for good, or what it should start from cannot be used. */
export const EXIT_FAILED: ExitCode = 1;
/** The command line or the job's description is wrong. Nothing was started. */
export const EXIT_USAGE: ExitCode = 2;
/** The job was canceled: 128 and the number of SIGINT, as shells have it. */
export const EXIT_CANCELED: ExitCode = 130;
