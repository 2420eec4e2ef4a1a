// The tables of the simulation show what they promise, here with small bounds: npm run simulate makes them whole.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { CRASH_CELLS, crashTasks, pairTasks } from '../../bench/simulate/tables/crash-points.js';
import { operationTasks } from '../../bench/simulate/tables/operations.js';
import { performTask } from '../../bench/simulate/tables/perform-task.js';
import { replayTasks } from '../../bench/simulate/tables/replays.js';
import {
  crashReport,
  operationReport,
  pairReport,
  replayReport,
} from '../../bench/simulate/tables/table-report.js';
import type { TableResult, TableTask } from '../../bench/simulate/tables/table-task.js';
import { tableAsked } from '../../bench/simulate/tables/tables.js';

async function perform<K extends TableTask['kind']>(
  tasks: readonly Extract<TableTask, { kind: K }>[],
): Promise<Extract<TableResult, { kind: K }>[]> {
  const results: Extract<TableResult, { kind: K }>[] = [];
  for (const task of tasks) {
    results.push((await performTask(task, () => undefined)) as Extract<TableResult, { kind: K }>);
  }
  return results;
}

test('a table of crash points names the cells in which nobody died, and is not good with them', async () => {
  const [task] = crashTasks(['count']);
  if (task === undefined) throw new Error('no piece');
  const report = crashReport(await perform([{ ...task, roles: ['sink'] }]));
  expect(report.failures).toEqual([]);
  expect(report.sums).toMatchObject({ cells: CRASH_CELLS });
  // The leads before crashes at steps of a restore crash operators.
  expect(report.sums['covered']).toBeGreaterThanOrEqual(19);
  expect(report.sums['missing']).toContain('power ack.sent');
  expect(report.sums['missing']).not.toContain('sink ack.sent');
  expect(report.good).toBe(false);
});

test('a sample of the ordered pairs of crashes is as large as asked for, over all shares', async () => {
  const results = await perform(pairTasks(20));
  const report = pairReport(results);
  expect(report.sums).toMatchObject({ planned: CRASH_CELLS ** 2, run: 20, crashed: 20, missed: [] });
  expect(report.good).toBe(true);
});

test('the first operations of the store and of files may fail in every way', async () => {
  const report = operationReport(await perform(operationTasks(2)));
  expect(report.failures).toEqual([]);
  expect(report.sums).toMatchObject({ violated: 0 });
  expect(report.sums['operations']).toBeGreaterThan(25);
  expect(report.good).toBe(true);
});

test('drawn seeds are the same run twice', async () => {
  const report = replayReport(await perform(replayTasks(19, 1, true)));
  expect(report.sums).toMatchObject({ runs: 19, identical: 19, different: [] });
  expect(report.good).toBe(true);
});

test('another process draws and runs the same seeds', async () => {
  const script = new URL('../../bench/simulate/simulate.ts', import.meta.url).pathname;
  const list = async (): Promise<string[]> => {
    const args = ['--conditions=weir-source', '--import', 'tsx', script, '--hashes', '6', '--jobs', '1'];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    return stdout.trim().split('\n');
  };
  const first = await list();
  expect(first).toHaveLength(6);
  expect(new Set(first).size).toBe(6);
  expect(await list()).toEqual(first);
  const [result] = await perform(replayTasks(6, 1, false));
  expect(result?.runs.map(({ shape, seed, hash }) => `${shape} ${seed} ${hash}`)).toEqual(first);
}, 30_000);

test('what is asked for on the command line is one table, with bounds above 0', () => {
  expect(tableAsked({})).toBeNull();
  expect(tableAsked({ pairs: true, limit: '500' })).toEqual({ kind: 'crashPoints', pairs: true, limit: 500 });
  expect(tableAsked({ replays: '7', first: '3' })).toEqual({ kind: 'replays', seeds: 7, firstSeed: 3 });
  expect(() => tableAsked({ replays: 'x' })).toThrow(/--replays takes a whole number/);
});
