// What the command writes: terminal sequences in names stay text, and JSON stays JSON.

import { join } from 'node:path';
import { expect, test } from 'vitest';
import { attemptNumber, checkpointId } from '../../src/base/ids.js';
import { nodeRuntime } from '../../src/base/node-runtime.js';
import { FORMAT_VERSION, type Manifest } from '../../src/checkpoint/manifest.js';
import { exportSavepointTo } from '../../src/checkpoint/savepoint.js';
import { humanProgress, jsonProgress } from '../../src/cli/chaos-progress.js';
import { main } from '../../src/cli/main.js';
import type { Shell } from '../../src/cli/shell.js';
import { Terminal } from '../../src/cli/terminal.js';
import { COLORED } from './fixtures/colored-names.js';
import { inDirectory, jobFile } from './weir-process.js';

const FILE = jobFile('fixtures/colored-names.ts');
const ESCAPED = '\\x1b[31mred\\x9b2J\\x1b]0;title\\x07';
/** All controls but the end of a line. */
const CONTROL = /(?!\n)\p{Cc}/u;

function collecting(directory: string): {
  readonly shell: Shell;
  readonly said: { out: string; err: string };
} {
  const said = { out: '', err: '' };
  const screen = (name: 'out' | 'err') => ({
    write: (text: string) => {
      said[name] += text;
      return true;
    },
  });
  const shell: Shell = {
    out: screen('out'),
    err: screen('err'),
    directory,
    environment: () => undefined,
    onInterrupt: () => () => undefined,
    exitNow: () => undefined,
  };
  return { shell, said };
}

async function weir(directory: string, ...args: string[]): Promise<{ out: string; err: string }> {
  const { shell, said } = collecting(directory);
  await main(args, shell);
  expect(said.out).not.toMatch(CONTROL);
  expect(said.err).not.toMatch(CONTROL);
  return said;
}

const manifest: Manifest = {
  format: FORMAT_VERSION,
  job: COLORED,
  checkpoint: checkpointId(1),
  attempt: attemptNumber(1),
  purpose: 'savepoint',
  completedWallMs: 0,
  durationMs: 1,
  jobFinished: false,
  operators: [
    {
      uid: `${COLORED}\n  faked  uid line`,
      name: COLORED,
      parallelism: 1,
      maxParallelism: 128,
      subtasks: [
        {
          uid: `${COLORED}\n  faked  uid line`,
          name: COLORED,
          keyed: [],
          lists: [{ name: COLORED, redistribution: 'split', items: [new Uint8Array([1])] }],
          finished: false,
        },
      ],
    },
  ],
};

test('weir explain', async () => {
  await inDirectory(async (directory) => {
    expect((await weir(directory, 'explain', FILE)).out).toContain(ESCAPED);
  });
});

test('weir savepoint info, and names begin no line of their own', async () => {
  await inDirectory(async (directory) => {
    const savepoint = join(directory, 'savepoint');
    await exportSavepointTo({
      runtime: nodeRuntime(),
      directory: savepoint,
      manifest,
      source: { readSegment: () => [] },
      commitDeadlineMs: 30_000,
      batchBytesMax: 1_000,
    });
    const { out } = await weir(directory, 'savepoint', 'info', savepoint);
    expect(out).toContain(`of job "${ESCAPED}"`);
    expect(out).toContain(`${ESCAPED}  uid ${ESCAPED}\\n  faked`);
    expect(out).toContain(`"${ESCAPED}" 1 item`);
    const json = (await weir(directory, 'savepoint', 'info', savepoint, '--json')).out;
    expect(JSON.parse(json)).toMatchObject({ job: COLORED, operators: [{ name: COLORED }] });
  });
});

test('weir chaos', async () => {
  await inDirectory(async (directory) => {
    expect((await weir(directory, 'chaos', 'run', FILE)).out).toContain(ESCAPED);
    const { out } = await weir(directory, 'chaos', 'run', FILE, '--json');
    expect(JSON.parse(out)).toMatchObject({ scenarios: [{ subject: COLORED }] });
    // The message of an error quotes the name as the user gave it.
    await weir(directory, 'chaos', 'run', FILE, '--scenario', COLORED.slice(1));
  });
});

test('the progress of weir chaos', async () => {
  const { shell, said } = collecting('.');
  let nowMs = 0;
  const clock = { wallMs: () => nowMs, monotonicMs: () => nowMs };
  const now = { seeds: 1, failures: 0, seedsPerMinute: 1, faultsFired: 0, checkpoints: 0, restores: 0 };
  const human = humanProgress(new Terminal(shell), clock, 10);
  const json = jsonProgress((line) => void shell.out.write(line), clock);
  nowMs = 60_000;
  human.update(COLORED, now);
  json.update(COLORED, now);
  expect(said.err).toContain(`${ESCAPED}: 1 of 10 seeds`);
  expect(said.err).not.toMatch(CONTROL);
  expect(said.out).not.toMatch(CONTROL);
  expect(JSON.parse(said.out)).toMatchObject({ scenario: COLORED });
});
