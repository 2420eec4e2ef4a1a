// Scenarios in test runners: a violated check fails a test with the whole report, and a token replays only its run.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { PropertyCount } from '../../src/chaos/execution.js';
import { replayInTest, ShardedExploration, sharesOf, shellQuoted } from '../../src/chaos/report-shards.js';
import { type Runnable, ViolationError } from '../../src/chaos/runnable.js';
import { chaosTest } from '../../src/chaos/vitest.js';
import { counter, tokenOf } from '../cli/fixtures/lossy-counter.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const again = (token: string): string => `again ${token}`;

chaosTest('a scenario that holds is a test that passes', counter, { seeds: 9 });
chaosTest('its seeds may be several tests', counter, { seeds: 9, shards: 3 });

describe('shares', () => {
  test('cover every seed once', () => {
    expect(sharesOf(5, 10, 3)).toEqual([
      { firstSeed: 5, seeds: 3 },
      { firstSeed: 8, seeds: 3 },
      { firstSeed: 11, seeds: 4 },
    ]);
    expect(sharesOf(1, 2, 8)).toHaveLength(2);
  });

  test('a violation fails its share with the report of the failure', async () => {
    const exploration = new ShardedExploration(counter, { seeds: 20, shards: 2 }, again);
    const [first, second] = exploration.shares;
    const failed = await exploration
      .explore(first ?? second ?? { firstSeed: 0, seeds: 0 })
      .catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(ViolationError);
    expect((failed as ViolationError).message).toContain('counter: exactlyOnce (O1) is violated, seed 10');
    expect((failed as ViolationError).message).toContain(`Replay: again ${tokenOf('counter', 10, 1)}`);
    expect((failed as ViolationError).failures).toHaveLength(1);
  });

  test('a scenario that rejects with its violation is understood too', async () => {
    const rejecting: Runnable = {
      ...counter,
      explore: async (options) => {
        const report = await counter.explore(options);
        throw new ViolationError('violated', { failures: report.failures, report });
      },
    };
    const exploration = new ShardedExploration(rejecting, { seeds: 10 }, again);
    const share = { firstSeed: 10, seeds: 1 };
    await expect(exploration.explore(share)).rejects.toThrow('Replay: again');
  });

  test('what happens sometimes must happen in one share, not in each', async () => {
    const seen = (held: number): ReadonlyMap<string, PropertyCount> =>
      new Map([['retried', { kind: 'sometimes', held, failed: 0 }]]);
    const rarely = (lucky: number): Runnable => ({
      ...counter,
      explore: async (options = {}) => ({
        ...(await counter.explore({ ...options, swarm: false })),
        properties: seen(options.firstSeed === lucky ? 1 : 0),
      }),
    });
    const judged = async (lucky: number): Promise<void> => {
      const exploration = new ShardedExploration(rarely(lucky), { seeds: 40, shards: 2 }, again);
      for (const share of exploration.shares) await exploration.explore(share);
      exploration.judge();
    };
    await expect(judged(21)).resolves.toBeUndefined();
    await expect(judged(-1)).rejects.toThrow('"retried" held in none of 40 seeds');
  });

  test('no seeds are no test', () => {
    expect(() => new ShardedExploration(counter, { seeds: 0 }, again)).toThrow('at least 1, got 0');
  });
});

test('a token replays its run, and is nothing to the test of another scenario', async () => {
  await expect(replayInTest(counter, tokenOf('counter', 3, 4), again)).rejects.toThrow('counterexample: 4');
  await expect(replayInTest(counter, tokenOf('counter', 3, 9), again)).resolves.toBe(true);
  await expect(replayInTest(counter, tokenOf('other', 3, 4), again)).resolves.toBe(false);
});

test('names are safe in the command that a shell gets', () => {
  expect(shellQuoted("it's")).toBe("'it'\\''s'");
});

describe('toBeExactlyOnce', () => {
  const results = [{ id: 1 }, { id: 2 }];
  test('holds for the expected ids in any order', () => {
    expect(results).toBeExactlyOnce((result) => result.id, [2, 1]);
    expect(results).not.toBeExactlyOnce((result) => result.id, [1]);
  });

  test('says what is lost, duplicated and unexpected', () => {
    const assertion = (): void =>
      expect([...results, { id: 2 }]).toBeExactlyOnce((result) => result.id, [2, 3]);
    expect(assertion).toThrow('1 lost: 3; 1 duplicated: 2; 1 unexpected: 1');
  });
});

/** A runner as its users start it. */
function runner(args: readonly string[], token = ''): { readonly code: number | null; readonly out: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: ROOT,
    encoding: 'utf8',
    env: {
      ...process.env,
      CHAOS_REPLAY: token,
      NO_COLOR: '1',
      NODE_OPTIONS: '',
      VITEST: '',
      NODE_TEST_CONTEXT: undefined,
    },
  });
  return { code: status, out: `${stdout}${stderr}` };
}

test('in vitest a failing share is a failing test with the replay command; the others pass', () => {
  const vitest = fileURLToPath(new URL('../../node_modules/vitest/vitest.mjs', import.meta.url));
  const args = [
    vitest,
    'run',
    '--config',
    'test/chaos/fixtures/lossy-vitest.config.ts',
    '--reporter=verbose',
  ];
  const explored = runner(args);
  expect(explored.out).toContain('counter: exactlyOnce (O1) is violated, seed 10');
  expect(explored.out).toContain("npx vitest run -t 'counter loses'");
  expect(explored.out).toMatch(/✓ .*counter holds/);
  expect(explored.out).toMatch(/× .*counter loses \(from seed 1\)/);
  expect(explored.out).toMatch(/↓ .*counter loses \(all seeds together\)/);
  expect(explored.code).toBe(1);

  const replayed = runner([...args, '-t', 'counter holds'], tokenOf('counter', 10, 3));
  expect(replayed.out).toContain('counterexample: 3');
  expect(replayed.code).toBe(1);
  const other = runner([...args, '-t', 'counter holds'], tokenOf('other', 10, 3));
  expect(other.code).toBe(0);
});

test("in Node's runner it is a failing test too, and figures are diagnostics", () => {
  const loader = ['--conditions=weir-source', '--import', import.meta.resolve('tsx')];
  const args = [...loader, '--test', '--test-reporter=tap', 'test/chaos/fixtures/lossy-node-test.ts'];
  const explored = runner(args);
  expect(explored.out).toContain('ok 1 - counter holds');
  expect(explored.out).toMatch(/# 9 seeds \([\d,]+\/min\), 0 faults, 18 checkpoints/);
  expect(explored.out).toContain('not ok 1 - from seed 1');
  expect(explored.out).toContain('exactlyOnce (O1) is violated, seed 10');
  expect(explored.code).toBe(1);

  const replayed = runner(args, tokenOf('counter', 10, 3));
  expect(replayed.out).toContain('counterexample: 3');
  expect(replayed.code).toBe(1);
});
