// `weir run` of a job that no restart can mend ends by itself, with one report.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { inDirectory, jobFile, weir } from './weir-process.js';

const LINES = '{"path":"/","at":1000}\n{"path":"/","at":2000}\n{"path": \x1b[2J\n{"path":"/","at":3000}\n';

async function hopeless(which: string): Promise<{ readonly code: number | null; readonly err: string }> {
  return await inDirectory(async (directory) => {
    writeFileSync(join(directory, 'hits.ndjson'), LINES);
    process.env['HOPELESS'] = which;
    return await weir(directory, 'run', jobFile('fixtures/hopeless.ts'), '--status-interval', '0');
  });
}

test.each([
  ['promise', /to answer at once, got a promise/],
  ['timestamps', /without timestamp/],
])('%s: it ends at the first attempt', async (which, words) => {
  const { code, err } = await hopeless(which);
  expect(code).toBe(1);
  expect(err).toContain('weir: Job "hopeless" failed (a restart cannot help)');
  expect(err).toMatch(words);
  expect(err).toMatch(/declared at .*hopeless\.ts:\d+/);
  expect(err).toContain('what to do:');
  expect(err).not.toContain('restarts=');
});

test('a line that is no JSON ends it at the third time, with the line, its place and the way out', async () => {
  const { code, err } = await hopeless('parse');
  expect(code).toBe(1);
  const report = err.slice(err.indexOf('weir: Job'));
  expect(report).toContain('weir: Job "hopeless" failed (3 times in a row at the same record)');
  expect(report).toContain('what to do: Correct the function or the record');
  expect(report).toMatch(/where {2}operator "parse", subtask 0, hits\.ndjson:\d+/);
  expect(report).toContain('record  "{\\"path\\": \\u001b[2J"');
  expect(report).toMatch(/declared at .*hopeless\.ts:\d+/);
  expect(report).toMatch(/thrown at .*hopeless\.ts:\d+:\d+ \(SyntaxError\)/);
  expect(err).not.toContain('\x1b');
  // The causes are told whole by the first failure; the second and the third are a line each.
  expect(err.match(/attempt failed/g)).toHaveLength(3);
  expect(err.match(/thrown at/g)).toHaveLength(2);
});
