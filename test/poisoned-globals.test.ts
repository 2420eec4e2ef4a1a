// Nothing leaks round the Runtime port: the engine loads and runs while every clock, timer and source of randomness
// of the process throws at whoever touches it. The text of the sources is checked by test/tidy/runtime-port.ts;
// this is the same claim, at run time.

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { canaries } from './poisoned-globals/canary.js';
import type { Report } from './poisoned-globals/child.js';

const CHILD = fileURLToPath(new URL('./poisoned-globals/child.ts', import.meta.url));
const CHILD_TIMEOUT_MS = 50_000;

test('every module of the engine loads, and its programs run, without touching a clock, a timer or randomness', async () => {
  const report = await runPoisoned('engine');
  expect(report.touches.map((touch) => `${touch.what}\n${touch.stack}`)).toEqual([]);
  expect(report.failure).toBeNull();
  expect(report.loaded).toEqual(expect.arrayContaining(['src/base/runtime.ts', 'actors/kernel/system.ts']));
  expect(report.done).toContain('two actors play ping-pong');
});

test('the poison catches each of them, names it, and shows who it was', async () => {
  const report = await runPoisoned('canary');
  expect(report.failure).toBeNull();
  expect(report.done).toEqual(Object.keys(canaries));
  expect(report.touches.map((touch) => touch.what)).toEqual(Object.keys(canaries));
  for (const touch of report.touches) expect(touch.stack).toContain('canary.ts');
});

async function runPoisoned(what: 'engine' | 'canary'): Promise<Report> {
  const args = ['--conditions=weir-source', '--import', 'tsx', CHILD, what];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: CHILD_TIMEOUT_MS });
  return JSON.parse(stdout) as Report;
}
