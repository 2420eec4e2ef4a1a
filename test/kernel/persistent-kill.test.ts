// A persistent actor on LMDB, in a process that is killed with SIGKILL again and again.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const program = fileURLToPath(new URL('./account-program.ts', import.meta.url));

/** Runs the program until it has printed so many balances, kills it, and returns all that it printed. */
function killAfter(directory: string, answers: number): Promise<readonly number[]> {
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), program, directory]);
  let text = '';
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (piece: string) => {
    errors += piece;
  });
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    text += piece;
    if (text.split('\n').length > answers) child.kill('SIGKILL');
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      if (code !== null) return reject(new Error(`it ended by itself with code ${code}: ${errors}`));
      resolve(text.slice(0, text.lastIndexOf('\n')).split('\n').map(Number));
    });
  });
}

test('nothing that was answered is lost, and at most the one command in hand was stored unanswered', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'weir-kill-'));
  try {
    let answered = 0;
    for (const answers of [3, 8, 15, 5, 22]) {
      const balances = await killAfter(directory, answers);
      const found = balances[0] ?? Number.NaN;
      expect([answered, answered + 1]).toContain(found);
      expect(balances).toEqual(balances.map((_, index) => found + index));
      answered = balances.at(-1) ?? answered;
    }
    expect(answered).toBeGreaterThan(40);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
