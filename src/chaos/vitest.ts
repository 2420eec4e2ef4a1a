// Scenarios as tests of vitest: `weirjs/chaos/vitest`.
//
// Owns:    registering the tests, and the matcher `toBeExactlyOnce`.
// Not:     exploring, which needs no runner.
//
// V1. Vitest is the user's own: nothing of Weir imports this file, and so Weir does not depend on it.

import { expect, test } from 'vitest';
import { nodeRuntime } from '../base/node-runtime.js';
import { compareIds, idSentences } from './check-ids.js';
import type { ResultId } from './check-values.js';
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
 * Registers a test, or `shards` of them, that explores the scenario and fails with a whole report when a check is violated.
 * With a token in the environment variable `CHAOS_REPLAY` that run is replayed instead, as the report says.
 */
export function chaosTest(name: string, scenario: Runnable, options: ChaosTestOptions = {}): void {
  const replayCommand = (token: string): string =>
    `${REPLAY_VARIABLE}=${token} npx vitest run -t ${shellQuoted(name)}`;
  const { timeoutMs: timeout = TEST_TIMEOUT_MS } = options;
  const token = nodeRuntime().environment(REPLAY_VARIABLE) ?? '';
  if (token !== '') {
    test(name, { timeout }, async (context) => {
      const replayed = await replayInTest(scenario, token, replayCommand);
      if (!replayed) context.skip(`the token in ${REPLAY_VARIABLE} is of another scenario`);
    });
    return;
  }
  const exploration = new ShardedExploration(scenario, options, replayCommand);
  let open = exploration.shares.length;
  for (const share of exploration.shares) {
    const title =
      open === 1 && exploration.shares.length === 1 ? name : `${name} (from seed ${share.firstSeed})`;
    test(title, { timeout }, async (context) => {
      for (const line of await exploration.explore(share)) await context.annotate(line);
      open -= 1;
    });
  }
  if (exploration.shares.length === 1) return;
  test(`${name} (all seeds together)`, (context) => {
    if (open > 0) context.skip('not every share of the seeds has passed');
    exploration.judge();
  });
}

expect.extend({
  toBeExactlyOnce(received: unknown, id: (result: never) => ResultId, expected: Iterable<ResultId>) {
    if (typeof received !== 'object' || received === null || !(Symbol.iterator in received)) {
      return {
        pass: false,
        message: () => 'toBeExactlyOnce looks at an array or another iterable of results.',
      };
    }
    const sentences = idSentences(compareIds([...(received as Iterable<never>)].map(id), expected));
    const wrong = `Expected every id exactly once: ${sentences.join('; ')}.`;
    return {
      pass: sentences.length === 0,
      message: () =>
        sentences.length === 0 ? 'Expected some id to be lost, duplicated or unexpected.' : wrong,
    };
  },
});

declare module 'vitest' {
  interface Matchers<T> {
    /** The ids of the results are the expected ones, each as often as expected: nothing lost, duplicated or unexpected. */
    toBeExactlyOnce: (
      id: (result: T extends Iterable<infer Result> ? Result : never) => ResultId,
      expected: Iterable<ResultId>,
    ) => void;
  }
}
