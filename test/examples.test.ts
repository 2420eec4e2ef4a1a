// Every example as its reader runs it: a program of its own, whose output says what happened.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../', import.meta.url));
const ARGS = ['--conditions=weir-source', '--import', import.meta.resolve('tsx')];

/** The lines that a program wrote, its exit code last. */
function outputOf(program: string, ...args: readonly string[]): Promise<readonly string[]> {
  const cwd = mkdtempSync(join(tmpdir(), 'weir-example-'));
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...ARGS, join(root, program), ...args], { cwd });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (piece: string) => {
        text += piece;
      });
    }
    child.on('error', reject);
    child.on('close', (code) => {
      rmSync(cwd, { recursive: true, force: true });
      resolve([...text.trimEnd().split('\n'), `exit ${code}`]);
    });
  });
}

test('hello-stream prints a running count per word', async () => {
  const output = await outputOf('examples/hello-stream.ts');
  expect(output).toHaveLength(19);
  expect(output).toContain("word> { word: 'a', count: 4 }");
  expect(output.slice(-2)).toEqual(['The job is FINISHED.', 'exit 0']);
});

test('page-hits counts per minute and page, late lines included', async () => {
  const output = await outputOf('examples/page-hits.ts');
  expect(output.slice(0, 3)).toEqual(['12:00 / 1', '12:01 / 7', '12:01 /api 3']);
  const hits = output.slice(0, -1).map((line) => Number(line.split(' ')[2]));
  expect(hits.reduce((sum, count) => sum + count, 0)).toBe(60);
});

test('keyed-timers tells paid orders from unpaid ones', async () => {
  expect(await outputOf('examples/keyed-timers.ts')).toEqual([
    'order A paid in minute 9',
    'order C paid in minute 34',
    'order B NOT PAID by minute 17',
    'order D NOT PAID by minute 36',
    'exit 0',
  ]);
});

test('sessions joins visits that a late click connects', async () => {
  expect(await outputOf('examples/sessions.ts')).toEqual([
    'bob stayed 22 minutes: home, hats',
    'ann stayed 65 minutes: home, shoes, boots, cart',
    'bob stayed 0 minutes: home',
    'exit 0',
  ]);
});

test('crash-and-recover counts on as if nothing had happened', async () => {
  expect(await outputOf('examples/crash-and-recover.ts')).toEqual([
    'reading 1234: the operator throws',
    'the job is FINISHED after 1 restart',
    ...[0, 1, 2, 3].map((sensor) => `sensor ${sensor}: 1 to 500, none missing, none twice`),
    'exit 0',
  ]);
});

test('exactly-once-files loses and doubles nothing while its writer is killed', async () => {
  const output = await outputOf('examples/exactly-once-files.ts');
  expect(output[0]).toBe('the job promises: exactlyOnce');
  expect(output).toContain('killed the writer, 1 of 3');
  expect(output.slice(-2)).toEqual(['4000 lines, 0 lost, 0 duplicated', 'exit 0']);
});

test('rescale goes on at another parallelism', async () => {
  const output = await outputOf('examples/rescale.ts');
  expect(output[0]).toContain('SUSPENDED with a savepoint');
  expect(output.slice(1)).toEqual([
    'parallelism 4: FINISHED',
    '4000 sales of 10 shops, counted without gap',
    'exit 0',
  ]);
});

test('actors shows a full mailbox, a dead letter, a restart and an answer', async () => {
  expect(await outputOf('examples/actors.ts')).toEqual([
    'offer "apples 3": taken',
    'offer "pears 2": taken',
    'offer "plums 9": the mailbox is full, so send it and wait',
    "dead letter of /scanner, handlerFailed: { kind: 'line', line: 'apples five' }",
    'the scanner was restarted 1 time; sold: { apples: 4, pears: 6, plums: 9 }',
    'exit 0',
  ]);
});

test('money-transfer finds the double charge, makes it one fault, and not in the mended teller', async () => {
  const output = await outputOf('examples/money-transfer.ts');
  expect(output[3]).toMatch(/^hasty: program \(AssertionError\) is violated, seed \d+$/);
  expect(output.filter((line) => /^ {2}\d {2}/.test(line))).toHaveLength(1);
  expect(output.findLast((line) => line.startsWith('Replay: '))).toContain(
    'examples/money-transfer/scenarios.ts --scenario hasty c1.',
  );
  expect(output.slice(-2)).toEqual([
    expect.stringMatching(/^1000 seeds, \d+ faults, no failure\.$/),
    'exit 0',
  ]);
});

test('the scenarios of money-transfer run from the command line, and a token of theirs is replayed', async () => {
  const file = join(root, 'examples/money-transfer/scenarios.ts');
  const explored = await outputOf('src/cli/weir.ts', 'chaos', 'explore', file, '--corpus', 'none');
  expect(explored.at(-1)).toBe('exit 1');
  const token = explored.join(' ').match(/c1\.\S+/)?.[0] ?? '';
  const replayed = await outputOf('src/cli/weir.ts', 'chaos', 'replay', file, token);
  expect(replayed[0]).toMatch(/^hasty: program \(AssertionError\) is violated/);
  expect(replayed.at(-1)).toBe('exit 1');
});

test('the demo kills actors, and its files are exactly right', async () => {
  const output = await outputOf('examples/demo.ts', '--seconds', '5', '--rate', '2000');
  expect(output.some((line) => /^ +killed \S+, /.test(line))).toBe(true);
  expect(output.slice(-2)).toEqual(['lost = 0, duplicated = 0', 'exit 0']);
});
