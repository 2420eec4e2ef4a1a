// The command line: what it means, and what is refused.

import { expect, test } from 'vitest';
import { ConfigError } from '../../src/base/errors.js';
import { parseCommandLine } from '../../src/cli/command-line.js';
import { helpText } from '../../src/cli/help-text.js';

const PLAIN_RUN = {
  kind: 'run',
  file: 'job.ts',
  parallelism: 1,
  maxParallelism: null,
  checkpoints: { kind: 'default', intervalMs: null },
  from: null,
  allowNonRestoredState: false,
  restartsMax: null,
  statusIntervalMs: null,
  json: false,
  verbose: false,
  again: 'weir run job.ts',
};

test('a run without options leaves everything to its defaults', () => {
  expect(parseCommandLine(['run', 'job.ts'])).toEqual(PLAIN_RUN);
});

test('every option of a run arrives', () => {
  const line =
    'run -p 4 --max-parallelism 256 --checkpoint-dir cp --interval 1s --from sp/1 -n --restarts 0 --status-interval 0 --json --verbose job.ts';
  expect(parseCommandLine(line.split(' '))).toEqual({
    ...PLAIN_RUN,
    parallelism: 4,
    maxParallelism: 256,
    checkpoints: { kind: 'directory', directory: 'cp', intervalMs: 1_000 },
    from: 'sp/1',
    allowNonRestoredState: true,
    restartsMax: 0,
    statusIntervalMs: 0,
    json: true,
    verbose: true,
    again: line.replace(' --from sp/1', '').replace('run', 'weir run'),
  });
});

test('the command that goes on leaves the savepoint out, in each of its spellings, and quotes what a shell would split', () => {
  const again = (...args: string[]): unknown => {
    const command = parseCommandLine(['run', ...args]);
    return command.kind === 'run' ? command.again : null;
  };
  expect(again('my job.ts', '-s', 'sp')).toBe("weir run 'my job.ts'");
  expect(again('a.ts', '--from=sp', '-p2')).toBe('weir run a.ts -p 2');
  expect(again('a.ts', '--checkpoint-dir', "it's")).toBe("weir run a.ts --checkpoint-dir 'it'\\''s'");
});

test.each([
  [[], 'weir'],
  [['--help'], 'weir'],
  [['help', 'run'], 'run'],
  [['run', '--help'], 'run'],
  [['explain', '-h'], 'explain'],
  [['savepoint'], 'savepoint'],
])('%j asks for the help of %s', (args, topic) => {
  expect(parseCommandLine(args)).toEqual({ kind: 'help', topic });
});

test('every option that is understood is in the help', () => {
  const options = ['parallelism', 'max-parallelism', 'checkpoint-dir', 'interval', 'no-checkpoint', 'from'];
  const more = ['allow-non-restored-state', 'restarts', 'status-interval', 'json', 'verbose'];
  for (const option of [...options, ...more]) expect(helpText('run')).toContain(`--${option}`);
});

test.each([
  ['stop', 'There is no command "stop"', 'weir --help'],
  ['run', 'weir run needs a job file', 'weir run --help'],
  ['run a.ts b.ts', 'got also "b.ts"', 'weir run --help'],
  ['run a.ts -p 0', '--parallelism is a whole number of at least 1, got "0"', 'weir run --help'],
  ['run a.ts -p 1.5', 'got "1.5"', 'weir run --help'],
  ['run a.ts --max-parallelism many', '--max-parallelism', 'weir run --help'],
  ['run a.ts --interval 0', '--interval is longer than nothing', 'weir run --help'],
  ['run a.ts --no-checkpoint --interval 1s', '--no-checkpoint contradicts', 'weir run --help'],
  ['run a.ts --no-checkpoint --from sp', '--from needs checkpoints', 'weir run --help'],
  ['run a.ts --restarts -1', '--restarts', 'weir run --help'],
  ['run a.ts --frm sp', "Unknown option '--frm'", 'weir run --help'],
  ['explain', 'weir explain needs a job file', 'weir explain --help'],
  ['savepoint info', 'weir savepoint needs a directory', 'weir savepoint --help'],
  ['savepoint dispose sp', 'knows "info" only', 'weir savepoint --help'],
])('%j is refused', (line, problem, remedy) => {
  const parse = (): unknown => parseCommandLine(line.split(' '));
  expect(parse).toThrow(ConfigError);
  expect(parse).toThrow(problem);
  expect(parse).toThrow(remedy);
});
