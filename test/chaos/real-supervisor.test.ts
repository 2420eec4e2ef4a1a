// The supervisor of real hosts, in virtual time with scripted hosts, and the gate that says when a thread may be ended.

import { describe, expect, test } from 'vitest';
import type { KeyValueStores } from '../../src/base/runtime.js';
import { NO_FAULTS } from '../../src/chaos/plan.js';
import { StoreGate } from '../../src/chaos/real-gate.js';
import type { HostEnd } from '../../src/chaos/real-host-life.js';
import type { HostLedger, HostNews, HostTask } from '../../src/chaos/real-news.js';
import { Supervisor } from '../../src/chaos/real-supervisor.js';
import { type VirtualRuntime, virtualRuntime } from '../../src/testing/virtual-runtime.js';

interface ScriptedHost {
  readonly task: HostTask;
  readonly tell: (news: HostNews) => void;
  readonly ends: (end: HostEnd) => void;
}

const IN_ORDER: HostEnd = { how: null, said: '' };

/** One script per life; `end` of the supervisor kills the host, whatever its script. */
function supervised(runtime: VirtualRuntime, scripts: readonly ((host: ScriptedHost) => void)[]) {
  const tasks: HostTask[] = [];
  const supervisor = new Supervisor({
    runtime,
    task: {
      module: 'file:///none.js',
      scenario: 'scripted',
      mode: 'processes',
      seed: 1,
      knobs: {},
      plan: NO_FAULTS,
      directory: '/run',
      life: 1,
      beforeMs: 0,
      faults: null,
      healed: false,
      durable: null,
      committed: 0,
    },
    start: (task, tell) => {
      tasks.push(task);
      let ends: (end: HostEnd) => void = () => undefined;
      const ended = new Promise<HostEnd>((resolve) => {
        ends = resolve;
      });
      runtime.dispatch(() => scripts[task.life - 1]?.({ task, tell, ends }));
      return { ended, end: () => ends({ how: 'SIGKILL', said: '' }), resume: () => undefined };
    },
    committed: () => 0,
    mayEnd: () => false,
    excusedDeath: () => false,
    deadlineMs: 60_000,
  });
  return { supervisor, tasks };
}

async function toTheEnd(runtime: VirtualRuntime, supervisor: Supervisor): Promise<void> {
  let over = false;
  const end = supervisor.toTheEnd().finally(() => {
    over = true;
  });
  await runtime.run(() => over);
  await end;
}

const finishes = ({ tell, ends }: ScriptedHost): void => {
  tell({ kind: 'finished' });
  ends(IN_ORDER);
};

const LEDGER: HostLedger = {
  faults: [
    { hits: 4, firings: 1, stepsSeen: 0, due: false, recovering: true, firedAtMs: 9, lastsUntilMs: null },
  ],
  unfired: [],
  checkpoints: 2,
  restores: 0,
  attempt: 1,
  durable: { checkpoint: 2, attempt: 1 },
  stepsReached: [],
  stepsCrashed: [],
  properties: [],
  violations: [],
};

describe('a supervisor', () => {
  test('goes on after a death with what the dead host has told last', async () => {
    const runtime = virtualRuntime({ seed: 1 });
    const { supervisor, tasks } = supervised(runtime, [
      ({ tell, ends }) => {
        tell({ kind: 'ledger', ledger: LEDGER });
        tell({ kind: 'dying', how: 'kill' });
        ends({ how: 'SIGKILL', said: '' });
      },
      finishes,
    ]);
    await toTheEnd(runtime, supervisor);
    expect(supervisor.end).toEqual({ kind: 'finished' });
    expect(supervisor.violations).toEqual([]);
    expect(tasks[1]).toMatchObject({ life: 2, faults: LEDGER.faults, durable: LEDGER.durable });
  });

  test('replaces a host that gives no sign of life, and accuses it', async () => {
    const runtime = virtualRuntime({ seed: 1 });
    const { supervisor } = supervised(runtime, [({ tell }) => tell({ kind: 'begun', pid: 1 }), finishes]);
    await toTheEnd(runtime, supervisor);
    expect(supervisor.lives).toBe(2);
    expect(supervisor.end).toEqual({ kind: 'finished' });
    expect(supervisor.violations.map(({ check, message }) => [check, message])).toEqual([
      ['O7 liveness', 'life 1 of the job ended, and no fault had ended it: it gave no sign of life'],
    ]);
  });

  test('replaces a host that dies of itself, and says what it said', async () => {
    const runtime = virtualRuntime({ seed: 1 });
    const { supervisor } = supervised(runtime, [
      ({ ends }) => ends({ how: 'SIGSEGV', said: 'oh' }),
      finishes,
    ]);
    await toTheEnd(runtime, supervisor);
    expect(supervisor.end).toEqual({ kind: 'finished' });
    expect(supervisor.violations[0]?.message).toContain('SIGSEGV; it said: oh');
  });

  test('accuses a host that was to die and went on', async () => {
    const runtime = virtualRuntime({ seed: 1 });
    const { supervisor } = supervised(runtime, [
      (host) => {
        host.tell({ kind: 'dying', how: 'uncaught' });
        finishes(host);
      },
    ]);
    await toTheEnd(runtime, supervisor);
    expect(supervisor.violations[0]?.message).toBe('the host was to die of uncaught, and went on');
  });

  test('ends a run that does not end, at its deadline', async () => {
    const runtime = virtualRuntime({ seed: 1 });
    const { supervisor } = supervised(runtime, [
      ({ tell }) => {
        const beats = (): void => {
          tell({ kind: 'beat' });
          runtime.timers.after(200, beats);
        };
        beats();
      },
    ]);
    await toTheEnd(runtime, supervisor);
    expect(supervisor.end).toEqual({ kind: 'stuck', reason: 'no end after 60000 ms' });
    expect(supervisor.lives).toBe(1);
  });
});

describe('the gate of a thread', () => {
  test('is safe when the write in flight is over, and lets no other begin', async () => {
    let finishWrite = (): void => undefined;
    const begun: string[] = [];
    const stores: KeyValueStores = {
      open: async () => ({
        owner: 1,
        commit: (writes) => {
          begun.push(...writes.map(({ table }) => table));
          return new Promise<void>((resolve) => {
            finishWrite = resolve;
          });
        },
        get: () => undefined,
        range: () => [],
        keys: () => [],
        close: async () => undefined,
      }),
    };
    const thread = new StoreGate();
    const supervisor = new StoreGate(thread.memory);
    const environment = await thread.guard(stores).open('/store', { tables: [], commitDeadlineMs: 1 });
    expect(supervisor.isSafe).toBe(true);
    const first = environment.commit([{ kind: 'remove', table: 'first', key: [] }]);
    supervisor.shut();
    expect(supervisor.isSafe).toBe(false);
    void environment.commit([{ kind: 'remove', table: 'second', key: [] }]);
    expect(supervisor.isSafe).toBe(false);
    finishWrite();
    await first;
    expect(supervisor.isSafe).toBe(true);
    expect(begun).toEqual(['first']);
  });
});
