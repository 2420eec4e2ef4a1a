// Scenarios as tests of Node's own runner: `weirjs/chaos/node`.
//
// Owns:    registering the tests.
// Not:     exploring, which needs no runner.

import { test } from 'node:test';
import { nodeRuntime } from '../base/node-runtime.js';
import { REPLAY_VARIABLE } from './replay-command.js';
import {
  type ChaosTestOptions,
  replayInTest,
  ShardedExploration,
  shellQuoted,
  TEST_TIMEOUT_MS,
} from './report-shards.js';
import type { Runnable } from './runnable.js';

/**
 * Registers a test, with `shards` subtests if there are several, that explores the scenario and fails with a whole report when a
 * check is violated; figures are diagnostics of the test. With a token in the environment variable `CHAOS_REPLAY` that run is
 * replayed instead, as the report says. Resolves when the test is over.
 */
export async function chaosTest(
  name: string,
  scenario: Runnable,
  options: ChaosTestOptions = {},
): Promise<void> {
  const replayCommand = (token: string): string =>
    `${REPLAY_VARIABLE}=${token} node --test --test-name-pattern=${shellQuoted(name)}`;
  const { timeoutMs: timeout = TEST_TIMEOUT_MS } = options;
  const token = nodeRuntime().environment(REPLAY_VARIABLE) ?? '';
  if (token !== '') {
    return await test(name, { timeout }, async (context) => {
      const replayed = await replayInTest(scenario, token, replayCommand);
      if (!replayed) context.skip(`the token in ${REPLAY_VARIABLE} is of another scenario`);
    });
  }
  const exploration = new ShardedExploration(scenario, options, replayCommand);
  const { shares } = exploration;
  await test(name, { timeout: timeout * shares.length }, async (context) => {
    for (const share of shares) {
      if (shares.length === 1) {
        for (const line of await exploration.explore(share)) context.diagnostic(line);
        return;
      }
      await context.test(`from seed ${share.firstSeed}`, { timeout }, async (shard) => {
        for (const line of await exploration.explore(share)) shard.diagnostic(line);
      });
    }
    exploration.judge();
  });
}
