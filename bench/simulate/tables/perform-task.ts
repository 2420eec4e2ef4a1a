// Doing one piece of a table, whatever table it is of.

import { unreachable } from '../../../src/base/assert.js';
import { enterSimulation } from '../../../src/chaos/inside.js';
import { runCrashes, runPairs } from './crash-points.js';
import { runOperations } from './operations.js';
import { runReplays } from './replays.js';
import type { OnRuns, TableResult, TableTask } from './table-task.js';

export async function performTask(task: TableTask, onRuns: OnRuns): Promise<TableResult> {
  const leave = enterSimulation();
  try {
    return await perform(task, onRuns);
  } finally {
    leave();
  }
}

function perform(task: TableTask, onRuns: OnRuns): Promise<TableResult> {
  switch (task.kind) {
    case 'crashes':
      return runCrashes(task, onRuns);
    case 'pairs':
      return runPairs(task, onRuns);
    case 'operations':
      return runOperations(task, onRuns);
    case 'replays':
      return runReplays(task, onRuns);
    default:
      return unreachable(task);
  }
}
