import { expect, test } from 'vitest';
import { CommitLane, type LaneWrite, type TransactionOutcome } from '../../src/base/commit-lane.js';
import { StoreError } from '../../src/base/errors.js';
import { encodeStoreKey } from '../../src/base/store-keys.js';
import { type VirtualRuntime, virtualRuntime } from '../../src/testing/virtual-runtime.js';

interface Attempt {
  readonly writes: readonly string[];
  settle(outcome: TransactionOutcome): void;
  fail(error: Error): void;
}

/** A lane whose transactions the test settles by hand, and a log of how its commits ended. */
function laneUnderTest(runtime: VirtualRuntime = virtualRuntime({ seed: 1 })) {
  const attempts: Attempt[] = [];
  const log: string[] = [];
  const lane = new CommitLane({
    directory: 'store',
    deadlineMs: 100,
    timers: runtime.timers,
    transact: (writes) =>
      new Promise((settle, fail) => {
        attempts.push({ writes: writes.map((write) => write.table), settle, fail });
      }),
  });
  const commit = (name: string, bytes = 1): void => {
    lane.commit([write(name, bytes)]).then(
      () => log.push(`${name} ok`),
      (error: unknown) => log.push(`${name} ${error instanceof StoreError ? error.code : error}`),
    );
  };
  return { runtime, lane, attempts, log, commit };
}

function write(table: string, bytes: number): LaneWrite {
  return { table, key: encodeStoreKey(['k']), value: new Uint8Array(bytes) };
}

const COMMITTED: TransactionOutcome = { kind: 'committed' };

test('one transaction is in flight; what comes meanwhile goes together into the next', async () => {
  const { runtime, attempts, log, commit } = laneUnderTest();
  for (const name of ['a', 'b', 'c']) commit(name);
  await runtime.advance(0);
  expect(attempts.map((attempt) => attempt.writes)).toEqual([['a']]);
  attempts[0]?.settle(COMMITTED);
  await runtime.advance(0);
  expect(attempts.map((attempt) => attempt.writes)).toEqual([['a'], ['b', 'c']]);
  expect(log).toEqual(['a ok']);
  attempts[1]?.settle(COMMITTED);
  await runtime.run();
  expect(log).toEqual(['a ok', 'b ok', 'c ok']);
});

test('a group is bounded in bytes, but no commit is ever split or refused for its size', async () => {
  const { runtime, attempts, commit } = laneUnderTest();
  const megabyte = 1024 * 1024;
  commit('first');
  for (const name of ['a', 'b', 'c']) commit(name, 6 * megabyte);
  commit('huge', 40 * megabyte);
  for (let turn = 0; turn < 5; turn += 1) {
    await runtime.advance(0);
    attempts.at(-1)?.settle(COMMITTED);
  }
  expect(attempts.map((attempt) => attempt.writes)).toEqual([['first'], ['a', 'b'], ['c'], ['huge']]);
});

test('the first failure poisons everything: nothing queued or later is written', async () => {
  const { runtime, lane, attempts, log, commit } = laneUnderTest();
  for (const name of ['a', 'b']) commit(name);
  await runtime.advance(0);
  attempts[0]?.fail(new Error('EIO'));
  await runtime.advance(0);
  commit('c');
  await runtime.run();
  expect(log).toEqual(['a WEIR_STORE_POISONED', 'b WEIR_STORE_POISONED', 'c WEIR_STORE_POISONED']);
  expect(attempts).toHaveLength(1);
  expect(lane.abandoned).toBeNull();
  await lane.close();
});

test('an overdue transaction is abandoned: closing does not wait for it, and its late end is told', async () => {
  const { runtime, lane, attempts, log, commit } = laneUnderTest();
  for (const name of ['a', 'b']) commit(name);
  await runtime.advance(99);
  expect(log).toEqual([]);
  await runtime.advance(1);
  expect(log).toEqual(['a WEIR_STORE_POISONED', 'b WEIR_STORE_POISONED']);
  await lane.close();
  let landed = false;
  const seen = lane.abandoned?.then(() => {
    landed = true;
  });
  await runtime.run();
  expect(landed).toBe(false);
  attempts[0]?.settle(COMMITTED);
  await seen;
  expect(landed).toBe(true);
  expect(log).toHaveLength(2);
});

test('the deadline is per transaction: waiting in the queue costs nothing of it', async () => {
  const { runtime, attempts, log, commit } = laneUnderTest();
  for (const name of ['a', 'b']) {
    commit(name);
    await runtime.advance(0);
  }
  await runtime.advance(90);
  attempts[0]?.settle(COMMITTED);
  await runtime.advance(90);
  attempts[1]?.settle(COMMITTED);
  await runtime.run();
  expect(log).toEqual(['a ok', 'b ok']);
});

test('fenced is for good; refused concerns one transaction only', async () => {
  const { runtime, attempts, log, commit } = laneUnderTest();
  commit('a');
  await runtime.advance(0);
  attempts[0]?.settle({ kind: 'refused', error: new StoreError('WEIR_STORE', 'full') });
  await runtime.advance(0);
  for (const name of ['b', 'c']) commit(name);
  await runtime.advance(0);
  attempts[1]?.settle({ kind: 'fenced' });
  await runtime.advance(0);
  commit('d');
  await runtime.run();
  expect(log).toEqual(['a WEIR_STORE', 'b WEIR_STORE_FENCED', 'c WEIR_STORE_FENCED', 'd WEIR_STORE_FENCED']);
  expect(attempts).toHaveLength(2);
});

test('closing lets everything that was committed before settle, and takes nothing after', async () => {
  const { runtime, lane, attempts, log, commit } = laneUnderTest();
  for (const name of ['a', 'b']) commit(name);
  const closed = lane.close().then(() => log.push('closed'));
  commit('c');
  for (let turn = 0; turn < 3; turn += 1) {
    await runtime.advance(0);
    attempts.at(-1)?.settle(COMMITTED);
  }
  await closed;
  expect(log).toEqual(['c WEIR_STORE', 'a ok', 'b ok', 'closed']);
});
