// `weir chaos`: what its command line means, what it prints where, and its exit codes.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../src/base/errors.js';
import type { ExploreJson } from '../../src/chaos/report-explore.js';
import { sharesOf } from '../../src/chaos/report-shards.js';
import { progressLine } from '../../src/cli/chaos-progress.js';
import { parseCommandLine } from '../../src/cli/command-line.js';
import { helpText } from '../../src/cli/help-text.js';
import { main } from '../../src/cli/main.js';
import { tokenOf } from './fixtures/lossy-counter.js';
import { inDirectory, jobFile, weir } from './weir-process.js';

const LOSSY = jobFile('fixtures/lossy-counter.ts');

interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** In this process, with streams that only collect. */
async function chaos(directory: string, ...args: string[]): Promise<Said> {
  const said = { out: '', err: '' };
  const screen = (name: 'out' | 'err') => ({
    write: (text: string) => {
      said[name] += text;
      return true;
    },
  });
  const code = await main(['chaos', ...args], {
    out: screen('out'),
    err: screen('err'),
    directory,
    environment: () => undefined,
    onInterrupt: () => () => undefined,
    exitNow: () => undefined,
  });
  return { code, ...said };
}

describe('the command line', () => {
  test('explore has its defaults, and every option arrives', () => {
    const plain = {
      kind: 'chaos',
      action: 'explore',
      file: 'a.ts',
      scenario: null,
      json: false,
      verbose: false,
      firstSeed: 1,
      seeds: 100,
      plan: null,
      mode: null,
      maxFaults: null,
      timeMs: null,
      corpus: '.chaos',
      jobs: 1,
    };
    expect(parseCommandLine(['chaos', 'explore', 'a.ts'])).toEqual(plain);
    const line =
      'chaos explore a.ts --seed 7 --seeds 20 --plan p.json --mode threads --max-faults 2 --time 60s --corpus none --jobs 4 --scenario s --json --verbose';
    expect(parseCommandLine(line.split(' '))).toEqual({
      ...plain,
      scenario: 's',
      json: true,
      verbose: true,
      firstSeed: 7,
      seeds: 20,
      plan: 'p.json',
      mode: 'threads',
      maxFaults: 2,
      timeMs: 60_000,
      corpus: null,
      jobs: 4,
    });
  });

  test('with a time and without a number of seeds, the time alone ends it', () => {
    expect(parseCommandLine('chaos explore a.ts --time 1s'.split(' '))).toMatchObject({
      seeds: 1_000_000_000,
    });
  });

  test('replay and shrink take a token', () => {
    expect(parseCommandLine('chaos replay a.ts c1.x --trace out.json'.split(' '))).toMatchObject({
      action: 'replay',
      token: 'c1.x',
      trace: 'out.json',
    });
    expect(parseCommandLine('chaos shrink a.ts c1.x'.split(' '))).toMatchObject({
      action: 'shrink',
      token: 'c1.x',
    });
  });

  test.each([
    ['chaos', 'help'],
    ['chaos --help', 'help'],
    ['chaos explore --help', 'help'],
    ['help chaos', 'help'],
  ])('%s is help', (line, kind) => {
    expect(parseCommandLine(line.split(' '))).toEqual({ kind, topic: 'chaos' });
  });

  test.each([
    ['chaos break a.ts', 'knows run, explore, replay and shrink, got "break"'],
    ['chaos --json', 'got ""'],
    ['chaos run', 'needs one file of scenarios'],
    ['chaos run a.ts b.ts', 'got also "b.ts"'],
    ['chaos run a.ts --seeds 5', 'weir chaos run has no use for --seeds'],
    ['chaos replay a.ts', 'needs one token'],
    ['chaos replay', 'needs a file of scenarios and a token'],
    ['chaos shrink a.ts t --trace x', 'no use for --trace'],
    ['chaos explore a.ts --seeds 0', '--seeds is a whole number of at least 1'],
    ['chaos explore a.ts --mode real', '--mode is simulation, threads, processes, got "real"'],
    ['chaos explore a.ts --time soon', '--time is a duration'],
  ])('%s is refused', (line, problem) => {
    const parse = (): unknown => parseCommandLine(line.split(' '));
    expect(parse).toThrow(ConfigError);
    expect(parse).toThrow(problem);
  });

  test('every option is in the help', () => {
    const options = [
      'scenario',
      'seed',
      'seeds',
      'time',
      'max-faults',
      'plan',
      'mode',
      'jobs',
      'corpus',
      'trace',
    ];
    for (const option of [...options, 'json', 'verbose']) expect(helpText('chaos')).toContain(`--${option}`);
    expect(helpText('weir')).toContain('weir chaos explore');
  });
});

describe('run and explore', () => {
  test('a run that holds says what it did, and exits with 0', async () => {
    const { code, out } = await chaos('.', 'run', LOSSY, '--scenario', 'counter', '--seed', '3');
    expect(code).toBe(0);
    expect(out).toContain('counter: every check held\n  5 results checked');
  });

  test('a violated check is reported with its replay command, and exits with 1', async () => {
    const { code, out } = await chaos('.', 'run', LOSSY, '--scenario', 'broken', '--mode', 'threads');
    expect(code).toBe(1);
    expect(out).toContain('broken: exactlyOnce (O1) is violated, seed 1\n  1 lost: 2.');
    expect(out).toContain(`Replay: weir chaos replay ${LOSSY} --scenario broken ${tokenOf('broken', 1, 2)}`);
    expect(out).toContain('note: not exercised in threads: link.drop');
  });

  test('without a name all scenarios of the file run', async () => {
    const { code, out } = await chaos('.', 'run', LOSSY);
    expect(code).toBe(1);
    expect(out).toContain('counter: every check held');
    expect(out).toContain('broken: exactlyOnce');
  });

  test('a plan from a file takes the place of the faults of the scenario', async () => {
    await inDirectory(async (directory) => {
      const fault = { kind: 'link.drop', target: '* -> *', trigger: { kind: 'nth', n: 4 } };
      writeFileSync(join(directory, 'plan.json'), JSON.stringify({ version: 1, faults: [fault] }));
      const { code, out } = await chaos(directory, 'run', LOSSY, '--scenario=counter', '--plan', 'plan.json');
      expect(code).toBe(1);
      expect(out).toContain('counterexample: 4');

      writeFileSync(join(directory, 'plan.json'), '{"version":1,"faults":[{"kind":"link.eat"}]}');
      const wrong = await chaos(directory, 'run', LOSSY, '--plan', 'plan.json');
      expect(wrong.code).toBe(2);
      expect(wrong.err).toContain('weir: The plan plan.json cannot be used');
      expect(wrong.out).toBe('');
    });
  });

  test('an exploration prints its failures and its table', async () => {
    const good = await chaos('.', 'explore', LOSSY, '--scenario=counter', '--seeds', '9');
    expect(good.code).toBe(0);
    expect(good.out).toMatch(/^counter\n {2}seeds +9, 0 of them run twice\n/);
    const bad = await chaos('.', 'explore', LOSSY, '--scenario=counter', '--seeds', '30');
    expect(bad.code).toBe(1);
    expect(bad.out).toContain('counter: exactlyOnce (O1) is violated, seed 10');
    expect(bad.out).toMatch(/violations +1/);
    const calm = await chaos(
      '.',
      'explore',
      LOSSY,
      '--scenario=counter',
      '--seeds',
      '30',
      '--max-faults',
      '0',
    );
    expect(calm.code).toBe(0);
  });

  test('with --json standard output is one JSON object', async () => {
    const { code, out } = await chaos('.', 'explore', LOSSY, '--scenario=counter', '--seeds=30', '--json');
    expect(code).toBe(1);
    expect(out.trim().split('\n')).toHaveLength(1);
    expect(JSON.parse(out)).toMatchObject({
      action: 'explore',
      scenarios: [
        {
          subject: 'counter',
          seeds: 10,
          failures: [{ token: tokenOf('counter', 10, 1), violation: { check: 'exactlyOnce' } }],
        },
      ],
    });
  });

  test('processes share the seeds: the sum is one report', async () => {
    await inDirectory(async (directory) => {
      const ended = await weir(
        directory,
        'chaos',
        'explore',
        LOSSY,
        '--scenario=counter',
        '--seeds=8',
        '--jobs=2',
        '--json',
      );
      expect(ended.err).toBe('');
      expect(ended.code).toBe(0);
      expect(JSON.parse(ended.out)).toMatchObject({
        scenarios: [{ subject: 'counter', seeds: 8, failures: [] }],
      });

      const wrong = await weir(directory, 'chaos', 'explore', LOSSY, '--jobs=2', '--plan=missing.json');
      expect(wrong.code).toBe(2);
      expect(wrong.err).toContain('missing.json cannot be used');
    });
  });
});

describe('replay and shrink', () => {
  test('a token replays its run, with every event in a file if asked for', async () => {
    await inDirectory(async (directory) => {
      const args = ['replay', LOSSY, tokenOf('counter', 10, 1), '--scenario=counter', '--trace', 'out.json'];
      const { code, out } = await chaos(directory, ...args);
      expect(code).toBe(1);
      expect(out).toContain('counterexample: 1');
      const trace = JSON.parse(readFileSync(join(directory, 'out.json'), 'utf8')) as {
        readonly events: readonly unknown[];
      };
      expect(trace).toMatchObject({ subject: 'counter', token: tokenOf('counter', 10, 1), hash: '10-1' });
      expect(trace.events).toHaveLength(5);
    });
  });

  test('the token says which scenario of the file it is of', async () => {
    const { code, out } = await chaos('.', 'replay', LOSSY, tokenOf('broken', 10, 1));
    expect(code).toBe(1);
    expect(out).toContain('broken: exactlyOnce');
  });

  test('shrinking ends with the smallest run, and its token', async () => {
    const { code, out } = await chaos('.', 'shrink', LOSSY, tokenOf('counter', 10, 1), '--scenario=counter');
    expect(code).toBe(1);
    expect(out).toContain('Replay: weir chaos replay');
  });

  test.each([
    [['replay', LOSSY, 'nonsense', '--scenario=counter'], 'token'],
    [['replay', LOSSY, tokenOf('other', 1, 1)], 'add --scenario with one of: '],
    [['run', LOSSY, '--scenario=other'], 'no scenario with the name "other". It has: '],
    [['run', 'nowhere.ts'], 'There is no file of scenarios nowhere.ts'],
    [['run', jobFile('fixtures/short.ts')], 'exports no scenario'],
  ])('%j is a wrong command line', async (args, problem) => {
    const { code, err, out } = await chaos('.', ...args);
    expect(code).toBe(2);
    expect(err.replaceAll(/\s+/g, ' ').replace('what to do: ', '')).toContain(problem);
    expect(out).toBe('');
  });
});

test('shares cover every seed once', () => {
  expect(sharesOf(5, 10, 3)).toEqual([
    { firstSeed: 5, seeds: 3 },
    { firstSeed: 8, seeds: 3 },
    { firstSeed: 11, seeds: 4 },
  ]);
  expect(sharesOf(1, 2, 8)).toHaveLength(2);
});

describe('a real job', () => {
  const WORDS = jobFile('fixtures/word-count.ts');

  test('keeps its promises under random faults', async () => {
    const { code, out, err } = await chaos(
      '.',
      'explore',
      WORDS,
      '--scenario=counts',
      '--seeds=25',
      '--corpus=none',
    );
    // Figures may come on a slow machine; errors may not.
    expect(err).not.toContain('weir:');
    expect(out).toMatch(/violations +0/);
    expect(out).toMatch(/sometimes recovered from a checkpoint +held [1-9]/);
    expect(code).toBe(0);
  });

  test('a promise that it cannot keep is found, shrunk to one fault, and replayed by the printed token', async () => {
    const args = ['--scenario=fragile', '--corpus=none', '--json'];
    const found = await chaos('.', 'explore', WORDS, '--seeds=50', ...args);
    expect(found.code).toBe(1);
    const { scenarios } = JSON.parse(found.out) as { readonly scenarios: readonly ExploreJson[] };
    const failure = scenarios[0]?.failures[0];
    expect(failure).toMatchObject({
      violation: { check: 'never restarts' },
      unstable: false,
    });
    expect(failure?.plan.faults).toHaveLength(1);

    const again = await chaos('.', 'replay', WORDS, failure?.token ?? '');
    expect(again.code).toBe(1);
    expect(again.out).toContain('fragile: never restarts is violated');
    expect(again.out).not.toContain('UNSTABLE');
  });
});

test('the live line has the figures that people watch', () => {
  const progress = {
    seeds: 1_204,
    failures: 1,
    seedsPerMinute: 5_310,
    faultsFired: 3_411,
    checkpoints: 22_000,
    restores: 1,
  };
  expect(progressLine('orders', progress, 2_000)).toBe(
    'orders: 1,204 of 2,000 seeds | 1 violation | 5,310 seeds/min | 3,411 faults | 22,000 checkpoints | 1 restore',
  );
  expect(progressLine('orders', { ...progress, failures: 0 }, null)).toMatch(/^orders: 1,204 seeds \| 5,310/);
});
