// `weir` as users meet it: a process with arguments, two streams, signals and an exit code.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { hasTerminal, inDirectory, jobFile, startWeir, startWeirOnTerminal, weir } from './weir-process.js';

const ERASE_LINE = '\u001b[2K';
const SOON = ['--interval', '50ms', '--status-interval', '100ms'];

function countsIn(text: string): number[] {
  return [...text.matchAll(/count> (\d+)/g)].map(([, count]) => Number(count));
}

test('a job runs to its end; run again, it says that nothing is left and how to start afresh', async () => {
  await inDirectory(async (directory) => {
    const first = await weir(directory, 'run', jobFile('fixtures/short.ts'));
    expect(first).toMatchObject({ code: 0, out: 'said> one\nsaid> two\n' });
    expect(first.err).toContain('in .weir/short');
    expect(first.err).toContain('at least once, end to end');
    expect(first.err).toContain('sink "print said" writes at once');
    expect(first.err).toContain('starts from scratch');
    expect(first.err).toMatch(/finished: .*, 1 checkpoint, 0 restarts/);
    expect(first.err).not.toContain('\u001b');

    const second = await weir(directory, 'run', jobFile('fixtures/short.ts'));
    expect(second).toMatchObject({ code: 0, out: '' });
    expect(second.err).toContain('restored from checkpoint 1');
    expect(second.err).toContain(
      'nothing was left to do: the job had finished before, with checkpoint 1 in .weir/short',
    );
    expect(second.err).toContain('input that has come since is not read');
    expect(second.err).not.toContain('warn');
    expect(second.err).toContain(
      'to start afresh: remove that directory, or name another one with --checkpoint-dir',
    );
  });
});

test('SIGTERM stops with a checkpoint, the printed command goes on from it, and savepoint info shows it', async () => {
  await inDirectory(async (directory) => {
    const job = startWeir(
      directory,
      'run',
      jobFile('fixtures/endless.ts'),
      '--checkpoint-dir',
      'kept',
      ...SOON,
    );
    await job.seen('count> 20\n');
    await job.seen('RUNNING');
    job.signal('SIGTERM');
    const stopped = await job.ended;
    expect(stopped.code).toBe(0);
    expect(stopped.err).toContain('SIGTERM: stopping with a checkpoint');
    const checkpoint = /stopped with checkpoint (\d+)/.exec(stopped.err)?.[1];
    expect(checkpoint).toBeDefined();
    expect(stopped.err).toContain(
      `to go on: weir run ${jobFile('fixtures/endless.ts')} --checkpoint-dir kept`,
    );

    const info = await weir(directory, 'savepoint', 'info', 'kept');
    expect(info.code).toBe(0);
    expect(info.out).toContain(`checkpoint ${checkpoint} of job "endless"`);
    expect(info.out).toContain('the stop of the job');
    expect(info.out).toMatch(/uid total\n {4}parallelism 1, max 128\n {4}keyed state \d+ B/);

    const again = startWeir(
      directory,
      'run',
      jobFile('fixtures/endless.ts'),
      '--checkpoint-dir',
      'kept',
      ...SOON,
    );
    await again.seen(`restored from checkpoint ${checkpoint}`);
    await again.seen('count> ');
    again.signal('SIGTERM');
    const resumed = await again.ended;
    const counts = [...countsIn(stopped.out), ...countsIn(resumed.out)];
    expect(counts).toEqual(counts.map((_, index) => index + 1));
  });
});

test('a job starts from a savepoint at another parallelism, and says so', async () => {
  await inDirectory(async (directory) => {
    const job = startWeir(directory, 'run', jobFile('fixtures/endless.ts'), ...SOON);
    await job.seen('count> 5\n');
    await job.seen('RUNNING');
    job.signal('SIGTERM');
    const before = countsIn((await job.ended).out);

    const from = ['--from', '.weir/endless', '--checkpoint-dir', 'wider', '-p', '2'];
    const wider = startWeir(directory, 'run', jobFile('fixtures/endless.ts'), ...from, ...SOON);
    await wider.seen('restored from savepoint .weir/endless');
    await wider.seen('> ');
    wider.signal('SIGTERM');
    const { code, out, err } = await wider.ended;
    expect(code).toBe(0);
    expect(Number(/> (\d+)/.exec(out)?.[1])).toBe(before.length + 1);
    expect(err).toContain(`to go on: weir run ${jobFile('fixtures/endless.ts')} --checkpoint-dir wider -p 2`);

    const again = await weir(directory, 'run', jobFile('fixtures/endless.ts'), ...from);
    expect(again.code).toBe(1);
    expect(again.err).toContain('would abandon it');
  });
});

test('a second interrupt cancels a job that cannot be stopped, and a third leaves at once', async () => {
  await inDirectory(async (directory) => {
    const job = startWeir(directory, 'run', jobFile('fixtures/stuck.ts'));
    await job.seen('stuck at one');
    await job.seen('starts from scratch');
    job.signal('SIGINT');
    await job.seen('SIGINT: stopping with a checkpoint; once more cancels the job');
    job.signal('SIGINT');
    await job.seen('SIGINT: canceling the job; once more leaves at once');
    job.signal('SIGINT');
    expect((await job.ended).code).toBe(130);
  });
});

test('one SIGTERM is enough for a job that waits for a restart', async () => {
  await inDirectory(async (directory) => {
    const job = startWeir(directory, 'run', jobFile('fixtures/failing.ts'));
    await job.seen('restarts=2');
    job.signal('SIGTERM');
    const { code, err } = await job.ended;
    expect(code).toBe(130);
    expect(err).toContain('the job waits for a restart');
    expect(err).toContain('nothing more was committed; to go on from the last checkpoint: weir run');
  });
});

test('without checkpoints the first interrupt cancels', async () => {
  await inDirectory(async (directory) => {
    const job = startWeir(directory, 'run', jobFile('fixtures/endless.ts'), '--no-checkpoint');
    await job.seen('count> 1\n');
    await job.seen('starts from scratch');
    job.signal('SIGINT');
    const { code, err } = await job.ended;
    expect(code).toBe(130);
    expect(err).toContain('at most once, end to end');
    expect(err).toMatch(/canceled: .*\n {2}nothing was kept/);
  });
});

test('a failed job says what happened, where in the user code, and nothing of the engine', async () => {
  await inDirectory(async (directory) => {
    const { code, err } = await weir(directory, 'run', jobFile('fixtures/failing.ts'), '--restarts', '0');
    expect(code).toBe(1);
    expect(err).toContain('weir: Job "failing" failed (the job has no restart strategy)\n');
    expect(err).toContain('caused by UserCodeError: The function of map threw: x is no number.\n');
    expect(err).toContain('where  operator "parse", subtask 0, index 1\n');
    expect(err).toMatch(/declared at .*failing\.ts:13:\d+\n/);
    expect(err).toMatch(/thrown at .*failing\.ts:6:\d+ \(TypeError\)\n/);
    expect(err).not.toMatch(/\b(src|actors)\/[\w/-]+\.ts:\d/);
  });
});

test.each([
  ['no such file', ['run', 'nowhere.ts'], 'There is no job file nowhere.ts.'],
  ['a directory', ['run', '.'], 'is a directory'],
  ['no default export', ['run', jobFile('fixtures/unexported.ts')], 'Add `export default hidden;`.'],
  ['a wrong graph', ['run', jobFile('fixtures/two-problems.ts')], 'cannot start, 2 problems'],
  [
    'a file that throws',
    ['run', 'throws.mjs'],
    'throws.mjs could not be loaded\ncaused by Error: not today\n  at throws.mjs:1:7',
  ],
  [
    'a wrong option',
    ['run', jobFile('fixtures/short.ts'), '--paralelism', '2'],
    "Unknown option '--paralelism'",
  ],
])('%s is exit code 2, and nothing is started', async (_, args, message) => {
  await inDirectory(async (directory) => {
    writeFileSync(join(directory, 'throws.mjs'), "throw new Error('not today');\n");
    const { code, out, err } = await weir(directory, ...args);
    expect(err).toContain(message);
    expect(code).toBe(2);
    expect(out).toBe('');
  });
});

test('with --json every line of standard error is an object, and a program can follow the run', async () => {
  await inDirectory(async (directory) => {
    const job = startWeir(directory, 'run', jobFile('fixtures/endless.ts'), '--json', ...SOON);
    await job.seen('"kind":"status"');
    await job.seen('"lastCheckpoint":{');
    job.signal('SIGINT');
    const { code, err } = await job.ended;
    expect(code).toBe(0);
    const lines = err
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines[0]).toMatchObject({ kind: 'started', job: 'endless', restoredFrom: null });
    expect(lines.at(-1)).toMatchObject({ kind: 'ended', state: 'SUSPENDED', directory: '.weir/endless' });
  });
});

test('explain shows the plan and starts nothing', async () => {
  await inDirectory(async (directory) => {
    const { code, out, err } = await weir(directory, 'explain', jobFile('fixtures/endless.ts'), '-p', '2');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain('job "endless"');
    expect(out).toContain('uid total');
    expect(out).toContain('gets every record at least once');
  });
});

if (!hasTerminal()) console.warn('not shown here: the live line, for lack of util-linux `script`');
test.runIf(hasTerminal())('on a terminal one line follows the job, and Ctrl-C stops it', async () => {
  await inDirectory(async (directory) => {
    const job = startWeirOnTerminal(directory, 'run', jobFile('fixtures/endless.ts'), ...SOON);
    await job.seen('RUNNING');
    await job.seen('checkpoint ');
    job.pressInterrupt();
    const { code, out } = await job.ended;
    expect(code).toBe(0);
    expect(out).toContain('stopped with checkpoint');
    // The live line is erased before anything else is written, so what stays has no trace of it.
    const screen = out
      .replaceAll('\r\n', '\n')
      .split('\n')
      .map((line) => line.split(ERASE_LINE).at(-1) ?? '');
    expect(screen.filter((line) => line.includes('RUNNING'))).toEqual([]);
    const counts = countsIn(screen.join('\n'));
    expect(counts).toEqual(counts.map((_, index) => index + 1));
  });
});

test('a job file that is never loaded is told so, and refused', async () => {
  await inDirectory(async (directory) => {
    const { code, err } = await weir(directory, 'run', jobFile('fixtures/never-loaded.ts'));
    expect(err).toContain(
      'never-loaded.ts is never loaded: a top-level await in it waits for what never comes.',
    );
    expect(err).toContain('what to do:');
    expect(code).toBe(2);
  });
});

test('a problem that the job itself is refused with is told once', async () => {
  await inDirectory(async (directory) => {
    const { code, err } = await weir(directory, 'explain', jobFile('fixtures/keyless-window.ts'));
    expect(code).toBe(2);
    expect(err).toMatch(
      /^weir: Job "keyless" cannot start, 1 problem:\n {4}- window\(\) was called on a stream without key/,
    );
    expect(err).not.toContain('Job ""');
    expect(err.match(/without key/g)).toHaveLength(1);
  });
});

test('with --json, what is wrong with the command line or the file is JSON too', async () => {
  await inDirectory(async (directory) => {
    for (const [args, code, words] of [
      [['run', 'nowhere.ts', '--json'], 'WEIR_CONFIG', 'There is no job file'],
      [['run', jobFile('fixtures/short.ts'), '--json', '--interval', '1'], 'WEIR_CONFIG', 'with its unit'],
      [['run', jobFile('fixtures/two-problems.ts'), '--json'], 'WEIR_JOB_DEFINITION', 'cannot start'],
      [['savepoint', 'info', 'nowhere', '--json'], 'WEIR_', ''],
      [['frobnicate', '--json'], 'WEIR_CONFIG', 'no command'],
    ] as const) {
      const { err } = await weir(directory, ...args);
      const lines = err
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { kind: string; error: { code: string; message: string } });
      const failed = lines.find(({ kind }) => kind === 'failed');
      expect(failed?.error.code).toContain(code);
      expect(failed?.error.message).toContain(words);
    }
  });
});

test('without a unit a duration is refused', async () => {
  await inDirectory(async (directory) => {
    const { code, err } = await weir(directory, 'run', jobFile('fixtures/short.ts'), '--interval', '1');
    expect(err).toContain('weir: --interval is a duration with its unit, got "1".');
    expect(err).toContain('Write it like 500ms, 1s, 2min or 1h.');
    expect(code).toBe(2);
  });
});

test('records that were left out are counted in the last line', async () => {
  await inDirectory(async (directory) => {
    const { code, out, err } = await weir(directory, 'run', jobFile('fixtures/poison.ts'));
    expect(code).toBe(0);
    expect(out.trim().split('\n').sort()).toEqual([
      'sum> 1',
      'sum> 4',
      'unread> x SyntaxError',
      'unread> { SyntaxError',
    ]);
    expect(err).toMatch(/finished: .*1 record skipped, 2 dead letters/);
    expect(err).toContain('a record failed and was sent to the dead letters, as onError says');
  });
});
