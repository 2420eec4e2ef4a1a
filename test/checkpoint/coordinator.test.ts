// The rules of the coordinator, one story each.

import { describe, expect, test } from 'vitest';
import { StoreError } from '../../src/base/errors.js';
import { attemptNumber, checkpointId, type SubtaskId } from '../../src/base/ids.js';
import { CHECKPOINT_HISTORY_MAX, CHECKPOINT_IDS_RESERVED } from '../../src/base/limits.js';
import { A, B, C, kinds, list, only, subtaskSnapshot, TestCoordinator, triggered } from './samples.js';

describe('a checkpoint', () => {
  test('goes from trigger over all acknowledgements and a durable manifest to the notification', () => {
    const coordinator = new TestCoordinator();
    expect(triggered(coordinator.start())).toEqual([]);
    const [trigger] = only(coordinator.after(1000), 'trigger');
    expect(trigger).toEqual({
      kind: 'trigger',
      checkpoint: 1,
      purpose: { kind: 'checkpoint' },
      sources: [A],
    });
    expect(kinds(coordinator.ack(1, A))).toEqual([]);
    expect(kinds(coordinator.ack(1, B))).toEqual([]);
    coordinator.nowMs += 30;
    const [write] = only(coordinator.ack(1, C), 'writeManifest');
    expect(write?.draft).toMatchObject({ checkpoint: 1, attempt: 7, durationMs: 30, jobFinished: false });
    expect([...(write?.draft.snapshots.keys() ?? [])]).toEqual([A, B, C]);
    expect(only(coordinator.stored(1), 'notifyComplete')).toEqual([
      { kind: 'notifyComplete', checkpoint: 1 },
    ]);
    expect(coordinator.machine.status()).toMatchObject({ lastCompleted: 1, pending: [] });
  });

  test('counts each subtask once, however often it acknowledges (F26)', () => {
    const coordinator = new TestCoordinator();
    coordinator.start();
    coordinator.after(1000);
    for (const subtask of [A, A, A, B, B]) expect(kinds(coordinator.ack(1, subtask))).toEqual([]);
    expect(coordinator.machine.status().counters.ignored).toBe(3);
    expect(coordinator.machine.status().pending[0]?.missing).toEqual([C]);
  });

  test('ignores and counts what comes from another attempt (F26, F29)', () => {
    const coordinator = new TestCoordinator();
    coordinator.start();
    coordinator.after(1000);
    for (const subtask of [A, B, C]) {
      const snapshot = subtaskSnapshot(subtask);
      const checkpoint = checkpointId(1);
      const attempt = attemptNumber(6);
      expect(coordinator.give({ kind: 'acknowledged', checkpoint, subtask, snapshot, attempt })).toEqual([]);
    }
    expect(coordinator.machine.status()).toMatchObject({ counters: { stale: 3, completed: 0 } });
    expect(coordinator.machine.status().pending[0]?.acknowledged).toBe(0);
  });

  test('ignores strangers, unknown ids and answers of the store that nobody waits for', () => {
    const coordinator = new TestCoordinator();
    coordinator.start();
    coordinator.after(1000);
    coordinator.ack(1, 'stranger/0' as SubtaskId);
    coordinator.ack(99, A);
    coordinator.stored(1);
    coordinator.stored(99);
    expect(coordinator.machine.status()).toMatchObject({ counters: { ignored: 4, completed: 0 } });
  });

  test('is not touched by a decline of a subtask that has acknowledged', () => {
    const coordinator = new TestCoordinator();
    coordinator.start();
    coordinator.after(1000);
    coordinator.ack(1, A);
    expect(kinds(coordinator.decline(1, A))).toEqual([]);
    coordinator.ack(1, B);
    expect(kinds(coordinator.ack(1, C))).toEqual(['writeManifest', 'wakeAt']);
  });
});

describe('ids (5.1)', () => {
  test('continue above the last one of earlier attempts', () => {
    const coordinator = new TestCoordinator({ lastCheckpointId: 41 });
    coordinator.start();
    expect(triggered(coordinator.after(1000))).toEqual([42]);
  });

  test('are used only after they were reserved durably', () => {
    const coordinator = new TestCoordinator({}, { grantIds: false });
    const [reserve] = only(coordinator.start(), 'reserveIds');
    expect(reserve?.upTo).toBe(CHECKPOINT_IDS_RESERVED);
    expect(triggered(coordinator.after(5000))).toEqual([]);
    expect(
      triggered(coordinator.give({ kind: 'idsReserved', upTo: checkpointId(CHECKPOINT_IDS_RESERVED) })),
    ).toEqual([1]);
  });

  test('are reserved ahead, so that a trigger does not wait for the disk', () => {
    const coordinator = new TestCoordinator({}, { grantIds: false });
    coordinator.start();
    coordinator.give({ kind: 'idsReserved', upTo: checkpointId(CHECKPOINT_IDS_RESERVED) });
    const reserved: number[] = [];
    for (let id = 1; id <= CHECKPOINT_IDS_RESERVED; id += 1) {
      const effects = coordinator.after(1000);
      expect(triggered(effects)).toEqual([id]);
      reserved.push(...only([...effects, ...coordinator.complete(id)], 'reserveIds').map(({ upTo }) => upTo));
    }
    // Asked for once, halfway, and not again while the answer is outstanding.
    expect(reserved).toHaveLength(1);
    expect(triggered(coordinator.after(1000))).toEqual([]);
  });

  test('that cannot be reserved fail the attempt', () => {
    const coordinator = new TestCoordinator();
    coordinator.start();
    const error = new StoreError('WEIR_STORE_POISONED', 'the disk is gone');
    const [failed] = only(coordinator.give({ kind: 'storeBroken', error }), 'failAttempt');
    expect(failed?.error).toMatchObject({ code: 'WEIR_CHECKPOINT', cause: error });
  });
});

describe('periodic triggers (5.10)', () => {
  test('keep to the grid of the interval, and skipped ones are not made up for', () => {
    const coordinator = new TestCoordinator();
    coordinator.start();
    expect(triggered(coordinator.after(1000))).toEqual([1]);
    // Slow: three intervals pass while it is pending.
    expect(triggered(coordinator.after(3500))).toEqual([]);
    expect(triggered(coordinator.complete(1))).toEqual([2]);
    expect(triggered(coordinator.complete(2))).toEqual([]);
    expect(triggered(coordinator.after(999))).toEqual([]);
    expect(triggered(coordinator.after(1))).toEqual([3]);
  });

  test('wait for the minimum pause after the end of the last one, aborted or not', () => {
    const coordinator = new TestCoordinator({ minPauseMs: 800, tolerableFailures: 9 });
    coordinator.start();
    coordinator.after(1000);
    coordinator.nowMs += 900;
    coordinator.complete(1);
    expect(triggered(coordinator.after(799))).toEqual([]);
    expect(triggered(coordinator.after(1))).toEqual([2]);
    coordinator.nowMs += 950;
    coordinator.decline(2, B);
    expect(triggered(coordinator.after(799))).toEqual([]);
    expect(triggered(coordinator.after(1))).toEqual([3]);
  });

  test('overlap up to the limit, and never with a minimum pause', () => {
    const free = new TestCoordinator({ concurrentMax: 2 });
    free.start();
    expect(triggered(free.after(1000))).toEqual([1]);
    expect(triggered(free.after(1000))).toEqual([2]);
    expect(triggered(free.after(1000))).toEqual([]);
    const paused = new TestCoordinator({ concurrentMax: 2, minPauseMs: 1 });
    paused.start();
    expect(triggered(paused.after(1000))).toEqual([1]);
    expect(triggered(paused.after(1000))).toEqual([]);
  });

  test('set the alarm to the next thing that time alone brings', () => {
    const coordinator = new TestCoordinator({ tolerableFailures: 1 });
    expect(only(coordinator.start(), 'wakeAt')).toEqual([{ kind: 'wakeAt', atMs: 1000 }]);
    expect(only(coordinator.after(1000), 'wakeAt')).toEqual([{ kind: 'wakeAt', atMs: 11_000 }]);
    // The manifest is with the store: its deadline counts, not ours, and no slot is free.
    expect(only(coordinator.ackAll(1), 'wakeAt')).toEqual([{ kind: 'wakeAt', atMs: null }]);
    expect(only(coordinator.stored(1), 'wakeAt')).toEqual([{ kind: 'wakeAt', atMs: 2000 }]);
  });

  test('do not exist without an interval; savepoints do', () => {
    const coordinator = new TestCoordinator({ intervalMs: null });
    coordinator.start();
    expect(triggered(coordinator.after(1_000_000))).toEqual([]);
    expect(triggered(coordinator.savepoint('s'))).toEqual([1]);
  });
});

describe('failures (5.11)', () => {
  test('a checkpoint that is not acknowledged in time expires, names who is missing, and the job goes on if tolerable', () => {
    const coordinator = new TestCoordinator({ tolerableFailures: 1, timeoutMs: 500 });
    coordinator.start();
    coordinator.after(1000);
    coordinator.ack(1, A);
    expect(kinds(coordinator.after(499))).toEqual([]);
    const effects = coordinator.after(1);
    expect(kinds(effects)).toEqual(['notifyAborted', 'discard', 'wakeAt']);
    expect(effects[0]).toMatchObject({ checkpoint: 1, reason: 'expired' });
    expect(only(effects, 'notifyAborted')[0]?.detail).toContain('count/0, count/1');
    // Its late acknowledgements change nothing.
    expect(kinds([...coordinator.ack(1, B), ...coordinator.ack(1, C)])).toEqual([]);
    expect(triggered(coordinator.after(500))).toEqual([2]);
  });

  test('more failures in a row than tolerable fail the attempt, once', () => {
    const coordinator = new TestCoordinator({ tolerableFailures: 1 });
    coordinator.start();
    coordinator.after(1000);
    expect(kinds(coordinator.decline(1, B))).toEqual(['notifyAborted', 'discard', 'wakeAt']);
    coordinator.after(1000);
    const effects = coordinator.decline(2, B);
    expect(kinds(effects)).toEqual(['notifyAborted', 'discard', 'failAttempt', 'wakeAt']);
    expect(String(only(effects, 'failAttempt')[0]?.error)).toContain('2 in a row, 1 tolerable');
    expect(kinds(coordinator.after(100_000))).toEqual([]);
    expect(coordinator.machine.status()).toMatchObject({
      phase: 'closed',
      counters: { failed: 2, aborted: 2 },
    });
  });

  test('a success in between sets the count back to zero', () => {
    const coordinator = new TestCoordinator({ tolerableFailures: 1 });
    coordinator.start();
    let id = 0;
    for (let round = 0; round < 5; round += 1) {
      coordinator.after(1000);
      id += 1;
      expect(only(coordinator.decline(id, B), 'failAttempt')).toEqual([]);
      coordinator.after(1000);
      id += 1;
      coordinator.complete(id);
    }
    expect(coordinator.machine.status()).toMatchObject({ counters: { failed: 5, completed: 5 } });
  });

  test('a checkpoint counts once, whoever declines it', () => {
    const coordinator = new TestCoordinator({ tolerableFailures: 1 });
    coordinator.start();
    coordinator.after(1000);
    const effects = [A, B, C].flatMap((subtask) => coordinator.decline(1, subtask));
    expect(only(effects, 'failAttempt')).toEqual([]);
    expect(coordinator.machine.status().consecutiveFailures).toBe(1);
  });

  test.each(['subsumed', 'notReady'] as const)('a decline because %s is no failure', (cause) => {
    const coordinator = new TestCoordinator();
    coordinator.start();
    coordinator.after(1000);
    const effects = coordinator.decline(1, B, cause);
    expect(only(effects, 'notifyAborted')).toHaveLength(1);
    expect(only(effects, 'failAttempt')).toEqual([]);
    expect(coordinator.machine.status().counters).toMatchObject({ failed: 0, aborted: 1 });
  });

  test('a manifest that the store refuses is a failure of that checkpoint; nothing of it exists', () => {
    const coordinator = new TestCoordinator({ tolerableFailures: 1 });
    coordinator.start();
    coordinator.after(1000);
    coordinator.ackAll(1);
    const error = new StoreError('WEIR_STORE', 'no space');
    const effects = coordinator.give({ kind: 'storeFailed', checkpoint: checkpointId(1), error });
    expect(kinds(effects)).toEqual(['notifyAborted', 'discard', 'wakeAt']);
    expect(coordinator.machine.status().counters.failed).toBe(1);
  });
});

describe('a manifest that was handed to the store', () => {
  test('is not reported aborted when the time-out passes: only the store knows what became of it', () => {
    const coordinator = new TestCoordinator({ timeoutMs: 500 });
    coordinator.start();
    coordinator.after(1000);
    coordinator.ackAll(1);
    expect(kinds(coordinator.after(1_000_000))).toEqual([]);
    expect(only(coordinator.stored(1), 'notifyComplete')).toHaveLength(1);
  });

  test.each(['WEIR_STORE_POISONED', 'WEIR_STORE_FENCED'] as const)(
    'is neither complete nor aborted when the store answers %s: the attempt fails and the next one looks',
    (code) => {
      const coordinator = new TestCoordinator({ tolerableFailures: 99 });
      coordinator.start();
      coordinator.after(1000);
      coordinator.ackAll(1);
      const error = new StoreError(code, 'a commit has not settled');
      const effects = coordinator.give({ kind: 'storeFailed', checkpoint: checkpointId(1), error });
      expect(kinds(effects)).toEqual(['failAttempt']);
      expect(only(effects, 'failAttempt')[0]?.error).toMatchObject({
        unrecoverable: code === 'WEIR_STORE_FENCED',
      });
      expect(coordinator.machine.status().history.at(-1)).toMatchObject({
        checkpoint: 1,
        outcome: 'unknown',
      });
    },
  );

  test('stays unknown when the attempt ends first, and a late answer is ignored', () => {
    const coordinator = new TestCoordinator();
    coordinator.start();
    coordinator.after(1000);
    coordinator.ackAll(1);
    expect(kinds(coordinator.give({ kind: 'attemptEnded', reason: 'a subtask failed' }))).toEqual([]);
    expect(kinds(coordinator.stored(1))).toEqual([]);
    expect(coordinator.machine.status().history.at(-1)?.outcome).toBe('unknown');
  });
});

describe('older ones (5.5, 5.12)', () => {
  test('are subsumed when a newer one completes: aborted, not counted', () => {
    const coordinator = new TestCoordinator({ concurrentMax: 2 });
    coordinator.start();
    coordinator.after(1000);
    coordinator.after(1000);
    coordinator.ack(1, A);
    const effects = coordinator.complete(2);
    expect(kinds(effects)).toEqual(['writeManifest', 'notifyComplete', 'notifyAborted', 'discard', 'wakeAt']);
    expect(only(effects, 'notifyAborted')[0]).toMatchObject({ checkpoint: 1, reason: 'subsumed' });
    expect(coordinator.machine.status().counters).toMatchObject({ completed: 1, aborted: 1, failed: 0 });
  });

  test('that are savepoints go on', () => {
    const coordinator = new TestCoordinator({ concurrentMax: 2 });
    coordinator.start();
    expect(triggered(coordinator.savepoint('mine'))).toEqual([1]);
    coordinator.after(1000);
    expect(only(coordinator.complete(2), 'notifyAborted')).toEqual([]);
    expect(only(coordinator.ackAll(1), 'exportSavepoint')).toHaveLength(1);
  });

  test('whose base retention has freed are aborted, not counted: nothing has failed', () => {
    const coordinator = new TestCoordinator({ tolerableFailures: 0 });
    coordinator.start();
    coordinator.after(1000);
    coordinator.ackAll(1);
    const error = new StoreError('WEIR_STORE_INCOMPLETE', 'it names a chunk that is not durable');
    const effects = coordinator.give({ kind: 'storeFailed', checkpoint: checkpointId(1), error });
    expect(only(effects, 'notifyAborted')).toMatchObject([{ checkpoint: 1, reason: 'baseGone' }]);
    expect(only(effects, 'failAttempt')).toEqual([]);
    expect(coordinator.machine.status()).toMatchObject({
      phase: 'running',
      counters: { aborted: 1, failed: 0 },
    });
  });

  test('that are acknowledged last are not written behind a newer one: a restart would go back to them', () => {
    const coordinator = new TestCoordinator({ concurrentMax: 2 });
    coordinator.start();
    coordinator.after(1000);
    coordinator.after(1000);
    coordinator.ackAll(2);
    const effects = coordinator.ackAll(1);
    expect(only(effects, 'writeManifest')).toEqual([]);
    expect(only(effects, 'notifyAborted')).toMatchObject([{ checkpoint: 1, reason: 'subsumed' }]);
    expect(only(coordinator.stored(2), 'notifyComplete')).toHaveLength(1);
    expect(coordinator.machine.status()).toMatchObject({
      lastCompleted: 2,
      counters: { completed: 1, failed: 0 },
    });
  });

  test('whose manifest is being written end as the store says', () => {
    const coordinator = new TestCoordinator({ concurrentMax: 2 });
    coordinator.start();
    coordinator.after(1000);
    coordinator.after(1000);
    coordinator.ackAll(1);
    coordinator.ackAll(2);
    expect(only(coordinator.stored(2), 'notifyAborted')).toEqual([]);
    expect(only(coordinator.stored(1), 'notifyComplete')).toHaveLength(1);
    expect(coordinator.machine.status()).toMatchObject({ lastCompleted: 2, counters: { completed: 2 } });
  });
});

describe('a savepoint (5.18)', () => {
  test('goes first, ignores interval and minimum pause, is exported, and completes nothing', () => {
    const coordinator = new TestCoordinator({ minPauseMs: 60_000 });
    coordinator.start();
    coordinator.after(1000);
    coordinator.complete(1);
    expect(only(coordinator.savepoint('mine'), 'trigger')[0]).toMatchObject({
      checkpoint: 2,
      purpose: { kind: 'savepoint' },
    });
    const [exporting] = only(coordinator.ackAll(2), 'exportSavepoint');
    expect(exporting).toMatchObject({ directory: '/savepoints/mine', draft: { checkpoint: 2 } });
    const effects = coordinator.give({ kind: 'exported', checkpoint: checkpointId(2) });
    expect(effects.slice(0, 2)).toEqual([
      { kind: 'discard', checkpoint: 2 },
      { kind: 'savepointDone', requestId: 'mine', checkpoint: 2, directory: '/savepoints/mine', stop: null },
    ]);
    expect(coordinator.machine.status()).toMatchObject({
      lastCompleted: 1,
      counters: { completed: 1, exported: 1 },
    });
  });

  test('waits for a free slot, ahead of periodic ones', () => {
    const coordinator = new TestCoordinator();
    coordinator.start();
    coordinator.after(1000);
    expect(triggered(coordinator.savepoint('mine'))).toEqual([]);
    coordinator.after(5000);
    const [next] = only(coordinator.complete(1), 'trigger');
    expect(next).toMatchObject({ checkpoint: 2, purpose: { kind: 'savepoint' } });
  });

  test('that is being copied does not keep the job from taking checkpoints', () => {
    const coordinator = new TestCoordinator();
    coordinator.start();
    coordinator.savepoint('mine');
    coordinator.ackAll(1);
    expect(triggered(coordinator.after(1000))).toEqual([2]);
  });

  test('that fails is reported to who asked, and never counted', () => {
    const coordinator = new TestCoordinator({ timeoutMs: 500 });
    coordinator.start();
    for (const id of [1, 2, 3]) {
      coordinator.savepoint(`mine ${id}`);
      const effects =
        id === 1
          ? coordinator.after(500)
          : id === 2
            ? coordinator.decline(2, B)
            : [
                ...coordinator.ackAll(3),
                ...coordinator.give({
                  kind: 'exportFailed',
                  checkpoint: checkpointId(3),
                  error: new Error('full'),
                }),
              ];
      expect(only(effects, 'savepointFailed')).toMatchObject([{ requestId: `mine ${id}` }]);
      expect(only(effects, 'discard')).toEqual([{ kind: 'discard', checkpoint: id }]);
      expect(only(effects, 'failAttempt')).toEqual([]);
    }
    expect(coordinator.machine.status().counters).toMatchObject({ failed: 0, aborted: 3 });
  });

  test('asked for twice with one request id is taken once (6.17)', () => {
    const coordinator = new TestCoordinator();
    coordinator.start();
    expect(triggered([...coordinator.savepoint('mine'), ...coordinator.savepoint('mine')])).toEqual([1]);
    coordinator.ackAll(1);
    expect(kinds(coordinator.savepoint('mine'))).toEqual([]);
    coordinator.savepoint('other');
    coordinator.savepoint('other');
    const effects = coordinator.give({ kind: 'attemptEnded', reason: 'over' });
    expect(only(effects, 'savepointFailed').map(({ requestId }) => requestId)).toEqual(['mine', 'other']);
  });

  test('without a directory is refused, and so are more than may wait', () => {
    const coordinator = new TestCoordinator();
    coordinator.start();
    expect(only(coordinator.savepoint('nowhere', null, null), 'savepointFailed')).toHaveLength(1);
    const effects = Array.from({ length: 30 }, (_, n) => coordinator.savepoint(`number ${n}`)).flat();
    expect(triggered(effects)).toEqual([1]);
    expect(only(effects, 'savepointFailed')).toHaveLength(13);
  });
});

describe('a stop (5.20)', () => {
  test('is completed in the own store, committed, and then exported', () => {
    const coordinator = new TestCoordinator();
    coordinator.start();
    const [trigger] = only(coordinator.savepoint('stop', 'drain'), 'trigger');
    expect(trigger?.purpose).toEqual({ kind: 'stop', drain: true });
    expect(kinds(coordinator.ackAll(1))).toContain('writeManifest');
    expect(kinds(coordinator.stored(1))).toEqual(['notifyComplete', 'exportSavepoint']);
    const effects = coordinator.give({ kind: 'exported', checkpoint: checkpointId(1) });
    expect(effects).toEqual([
      {
        kind: 'savepointDone',
        requestId: 'stop',
        checkpoint: 1,
        directory: '/savepoints/stop',
        stop: 'drain',
      },
    ]);
    expect(coordinator.machine.status()).toMatchObject({
      phase: 'done',
      counters: { completed: 1, exported: 0 },
    });
  });

  test('without a directory ends with the checkpoint in the own store', () => {
    const coordinator = new TestCoordinator();
    coordinator.start();
    coordinator.savepoint('stop', 'suspend', null);
    coordinator.ackAll(1);
    expect(kinds(coordinator.stored(1))).toEqual(['notifyComplete', 'savepointDone']);
  });

  test('keeps everything else from being triggered', () => {
    const coordinator = new TestCoordinator({ concurrentMax: 5 });
    coordinator.start();
    coordinator.savepoint('stop', 'suspend');
    expect(only(coordinator.savepoint('more'), 'savepointFailed')).toHaveLength(1);
    expect(triggered(coordinator.after(5000))).toEqual([]);
    coordinator.complete(1);
    expect(triggered(coordinator.after(5000))).toEqual([]);
  });

  test.each(['expires', 'is declined', 'cannot be exported'])(
    'that %s makes the job restart rather than stand still',
    (how) => {
      const coordinator = new TestCoordinator({ timeoutMs: 500 });
      coordinator.start();
      coordinator.savepoint('stop', 'suspend');
      if (how === 'cannot be exported') coordinator.complete(1);
      const effects =
        how === 'expires'
          ? coordinator.after(500)
          : how === 'is declined'
            ? coordinator.decline(1, C)
            : coordinator.give({
                kind: 'exportFailed',
                checkpoint: checkpointId(1),
                error: new Error('not empty'),
              });
      expect(only(effects, 'savepointFailed')).toMatchObject([{ requestId: 'stop' }]);
      expect(only(effects, 'stopFailed')).toMatchObject([{ requestId: 'stop' }]);
      expect(only(effects, 'failAttempt')).toEqual([]);
      expect(coordinator.machine.status()).toMatchObject({ phase: 'closed', counters: { failed: 0 } });
    },
  );
});

describe('the final checkpoint (5.19)', () => {
  const finish = (coordinator: TestCoordinator, ...subtasks: SubtaskId[]) =>
    subtasks.flatMap((subtask) => coordinator.give({ kind: 'finished', subtask }));

  test('is triggered at once when the last subtask has finished, and ends the job', () => {
    const coordinator = new TestCoordinator({ intervalMs: 3_600_000, minPauseMs: 3_600_000 });
    coordinator.start();
    expect(triggered(finish(coordinator, A, B))).toEqual([]);
    expect(triggered(finish(coordinator, C))).toEqual([1]);
    const [write] = only(coordinator.ackAll(1, { finished: true }), 'writeManifest');
    expect(write?.draft.jobFinished).toBe(true);
    expect(kinds(coordinator.stored(1))).toContain('notifyComplete');
    expect(coordinator.machine.status().phase).toBe('done');
    expect(triggered(coordinator.after(10_000_000))).toEqual([]);
  });

  test('is the pending one when every barrier of it came after the end', () => {
    const coordinator = new TestCoordinator();
    coordinator.start();
    coordinator.after(1000);
    expect(triggered(finish(coordinator, A, B, C))).toEqual([]);
    coordinator.complete(1, { finished: true });
    expect(triggered(coordinator.after(100_000))).toEqual([]);
    expect(coordinator.machine.status().phase).toBe('done');
  });

  test('waits for pending ones even where more are allowed: any of them may be the final one', () => {
    const coordinator = new TestCoordinator({ concurrentMax: 3 });
    coordinator.start();
    coordinator.after(1000);
    coordinator.after(1000);
    expect(triggered(finish(coordinator, A, B, C))).toEqual([]);
    expect(triggered(coordinator.complete(2))).toEqual([3]);
  });

  test('follows the pending one when some barrier of it came before the end', () => {
    const coordinator = new TestCoordinator();
    coordinator.start();
    coordinator.after(1000);
    finish(coordinator, A, B, C);
    const effects = [
      ...coordinator.ack(1, A, { finished: true }),
      ...coordinator.ack(1, B, { finished: true }),
      ...coordinator.ack(1, C, { finished: false }),
    ];
    expect(only(effects, 'writeManifest')[0]?.draft.jobFinished).toBe(false);
    expect(triggered(coordinator.stored(1))).toEqual([2]);
  });

  test('that fails is tried again after a pause, within the tolerable failures', () => {
    const coordinator = new TestCoordinator({ tolerableFailures: 1, intervalMs: null });
    coordinator.start();
    expect(triggered(finish(coordinator, A, B, C))).toEqual([1]);
    const effects = coordinator.decline(1, B);
    expect(triggered(effects)).toEqual([]);
    expect(only(effects, 'wakeAt')).toEqual([{ kind: 'wakeAt', atMs: 200 }]);
    expect(triggered(coordinator.after(200))).toEqual([2]);
  });

  test('does not come from finished reports of another attempt', () => {
    const coordinator = new TestCoordinator({ intervalMs: null });
    coordinator.start();
    for (const subtask of [A, B, C]) {
      expect(coordinator.give({ kind: 'finished', subtask, attempt: attemptNumber(6) })).toEqual([]);
    }
    expect(coordinator.machine.status().counters.stale).toBe(3);
  });

  test('a checkpoint with half-finished union state is given up without counting', () => {
    const coordinator = new TestCoordinator();
    coordinator.start();
    coordinator.after(1000);
    const lists = [list('offsets', [1], 'union')];
    coordinator.ack(1, A);
    coordinator.ack(1, B, { finished: true, lists });
    const effects = coordinator.ack(1, C, { finished: false, lists });
    expect(only(effects, 'notifyAborted')[0]).toMatchObject({ checkpoint: 1, reason: 'partlyFinished' });
    expect(only(effects, 'failAttempt')).toEqual([]);
    expect(only(effects, 'writeManifest')).toEqual([]);
  });

  test('union state of connectors does not stand in the way: they read it again, finished or not', () => {
    const coordinator = new TestCoordinator();
    coordinator.start();
    coordinator.after(1000);
    const lists = [list('weir.committables', [1], 'union')];
    coordinator.ack(1, A);
    coordinator.ack(1, B, { finished: true, lists });
    expect(only(coordinator.ack(1, C, { lists }), 'writeManifest')).toHaveLength(1);
  });
});

describe('the status', () => {
  test('keeps the last ten checkpoints', () => {
    const coordinator = new TestCoordinator();
    coordinator.start();
    for (let id = 1; id <= 25; id += 1) {
      coordinator.after(1000);
      coordinator.complete(id);
    }
    const { history, counters } = coordinator.machine.status();
    expect(history).toHaveLength(CHECKPOINT_HISTORY_MAX);
    expect(history.at(-1)).toMatchObject({ checkpoint: 25, outcome: 'completed', acknowledged: 3 });
    expect(counters).toMatchObject({ triggered: 25, completed: 25 });
  });
});
