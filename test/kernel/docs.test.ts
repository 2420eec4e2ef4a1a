// The programs of docs/actors.md run as they stand there, and print what they say.

import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const guide = readFileSync(join(root, 'docs/actors.md'), 'utf8');
const programs = [...guide.matchAll(/```ts\n([\s\S]*?)```/g)].map((match) => match[1] ?? '');

let folder = '';
beforeAll(() => {
  // Inside the package, so that `weirjs/actors` means these sources.
  mkdirSync(join(root, 'out'), { recursive: true });
  folder = mkdtempSync(join(root, 'out', 'docs-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function outputOf(program: string, name: string): Promise<readonly string[]> {
  const path = join(folder, `${name}.mts`);
  writeFileSync(path, program);
  const args = ['--conditions=weir-source', '--import', import.meta.resolve('tsx'), path];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: folder });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (piece: string) => {
        text += piece;
      });
    }
    child.on('error', reject);
    child.on('close', (code) => resolve([...text.trimEnd().split('\n'), `exit ${code}`]));
  });
}

test('the guide has programs', () => {
  expect(programs.length).toBeGreaterThanOrEqual(6);
});

test.each(programs.map((program, index) => [index + 1, program] as const))(
  'program %i prints what it says',
  async (index, program) => {
    const promised = [...program.matchAll(/^\/\/> (.*)$/gm)].map((match) => match[1]);
    expect(promised.length).toBeGreaterThan(0);
    expect(await outputOf(program, `program-${index}`)).toEqual([...promised, 'exit 0']);
  },
);
