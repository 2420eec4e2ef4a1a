// The process of one worker: pieces of a table come in, results go out, until the parent hangs up.

import { performTask } from './perform-task.js';
import type { TableTask } from './table-task.js';

/** Real milliseconds between two words to the parent. */
const PROGRESS_MS = 300;

// Injected errors are many, and nobody reads where they were made: a failure is replayed with its trace.
Error.stackTraceLimit = 0;

process.on('message', (task: TableTask) => {
  let toldMs = Date.now();
  const onRuns = (runs: number): void => {
    if (Date.now() - toldMs < PROGRESS_MS) return;
    toldMs = Date.now();
    process.send?.({ kind: 'progress', runs });
  };
  performTask(task, onRuns).then(
    (result) => process.send?.({ kind: 'done', result }),
    (error: unknown) => {
      console.error(error);
      process.exitCode = 1;
      process.disconnect();
    },
  );
});
