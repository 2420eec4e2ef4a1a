// Worker processes that share the pieces of a table.
//
// Owns:    starting and ending them, who does which piece, the order of the results.
// Not:     the pieces (perform-task.ts).

import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { TableResult, TableTask } from './table-task.js';

export interface TableProgress {
  readonly done: number;
  readonly pieces: number;
  readonly runs: number;
}

type FromWorker =
  | { readonly kind: 'progress'; readonly runs: number }
  | { readonly kind: 'done'; readonly result: TableResult };

/** Results in the order of the tasks. Rejects when a worker ends before its piece is done. */
export async function shareOut(
  tasks: readonly TableTask[],
  workers: number,
  onProgress: (progress: TableProgress) => void,
): Promise<readonly TableResult[]> {
  const results: TableResult[] = [];
  const runs = tasks.map(() => 0);
  let next = 0;
  let done = 0;
  const tell = (): void =>
    onProgress({ done, pieces: tasks.length, runs: runs.reduce((sum, each) => sum + each, 0) });
  const work = async (): Promise<void> => {
    const child = fork(fileURLToPath(new URL('./table-worker.ts', import.meta.url)), [], {
      execArgv: [...process.execArgv],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      serialization: 'advanced',
    });
    try {
      for (let index = next++; index < tasks.length; index = next++) {
        const task = tasks[index];
        if (task === undefined) break;
        results[index] = await piece(child, task, (made) => {
          runs[index] = made;
          tell();
        });
        done += 1;
        tell();
      }
    } finally {
      if (child.connected) child.disconnect();
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, Math.min(workers, tasks.length)) }, work));
  return results;
}

function piece(child: ChildProcess, task: TableTask, onRuns: (runs: number) => void): Promise<TableResult> {
  return new Promise((resolve, reject) => {
    const over = (): void => {
      child.off('message', onMessage);
      child.off('exit', onExit);
    };
    const onMessage = (message: FromWorker): void => {
      if (message.kind === 'progress') return onRuns(message.runs);
      over();
      resolve(message.result);
    };
    const onExit = (code: number | null, signal: string | null): void => {
      over();
      reject(new Error(`a worker ended with ${code ?? signal} before it was done with ${task.kind}`));
    };
    child.on('message', onMessage);
    child.on('exit', onExit);
    child.send(task);
  });
}
