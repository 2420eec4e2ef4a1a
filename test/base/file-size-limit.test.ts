// A limit on the size of files is met before LMDB meets it: a failed write in there ends the process.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const script = fileURLToPath(new URL('fixtures/fill-store.ts', import.meta.url));
const node = `exec ${process.execPath} --conditions=weir-source --import tsx ${script}`;

test.each([
  [16_384, 1_000],
  [16_384, 300_000],
  [20_001, 4_000_000],
])(
  'with files of at most %i KB a store is refused values of %i bytes, and goes on living',
  (kilobytes, bytes) => {
    const directory = mkdtempSync(join(tmpdir(), 'weir-limit-'));
    try {
      // Bash counts in KB.
      const { status, signal, stdout, stderr } = spawnSync(
        'bash',
        ['-c', `ulimit -f ${kilobytes}; ${node} ${directory} ${bytes}`],
        { encoding: 'utf8', timeout: 50_000 },
      );
      expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: '' });
      expect(stdout).toMatch(bytes > 1_000 ? /refused after \d+: .*ulimit -f/s : /closed/);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  },
);
