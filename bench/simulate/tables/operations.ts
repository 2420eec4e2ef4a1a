// Operations: every commit of the store and every operation on files fails once, and from then on.
//
// Owns:    the reference jobs and the pieces of the table.
// Not:     the loop (src/chaos/every-operation.ts), printing (table-report.ts).

import { nodeRuntime } from '../../../src/base/node-runtime.js';
import { everyOperation, type OperationError } from '../../../src/chaos/every-operation.js';
import { knownSubject, type OnRuns, type TableResult, type TableTask, tableFailure } from './table-task.js';

const ERRORS: readonly OperationError[] = ['EIO', 'ENOSPC', 'hang', 'unknown'];
const JOBS = [
  { job: 'count', port: 'store' },
  { job: 'fileCounts', port: 'files' },
] as const;
const OPERATIONS_MAX = 10_000;

type OperationTask = Extract<TableTask, { kind: 'operations' }>;

/** What takes longest comes first, so that no worker is left alone with it. `operationsMax` null: all of them. */
export function operationTasks(operationsMax: number | null): readonly OperationTask[] {
  return (['forever', 'once'] as const).flatMap((mode) =>
    [...JOBS].reverse().flatMap(({ job, port }) =>
      ERRORS.map((error) => ({
        kind: 'operations' as const,
        job,
        port,
        error,
        mode,
        operationsMax: operationsMax ?? OPERATIONS_MAX,
      })),
    ),
  );
}

export async function runOperations(task: OperationTask, onRuns: OnRuns): Promise<TableResult> {
  const { job, port, error, mode, operationsMax } = task;
  let runs = 0;
  const onProgress = (): void => {
    runs += 1;
    onRuns(runs);
  };
  const report = await everyOperation(
    knownSubject(job),
    { port, error, mode: [mode], operationsMax, onProgress },
    nodeRuntime(),
  );
  return {
    kind: 'operations',
    job,
    port,
    error,
    mode,
    operations: report.loops.reduce((sum, { operations }) => sum + operations, 0),
    violated: report.rows.filter(({ violated }) => violated.length > 0).length,
    complete: report.loops.every(({ complete }) => complete),
    notExercised: report.notExercised,
    failures: report.failures.map(tableFailure),
  };
}
