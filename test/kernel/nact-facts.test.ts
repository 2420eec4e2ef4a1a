// Ten things that were measured on plain nact, and what our actors on nact do instead.
//
// Each runs on the nact host, so that it is nact's scheduling that the kernel stands on here; virtual time only serves
// the timers, of which none is needed.

import { afterEach, beforeEach, expect, test } from 'vitest';
import type {
  ActorContext,
  ActorRef,
  ActorSystem,
  ActorSystemOptions,
  DeadLetter,
} from '../../actors/kernel/actor.js';
import { EscalatedError, RestartLimitError } from '../../actors/kernel/actor-errors.js';
import { type Gate, gate, isConserved, kernelBench } from './kernel-bench.js';

const unhandled: unknown[] = [];
const record = (error: unknown): void => void unhandled.push(error);

beforeEach(() => {
  unhandled.length = 0;
  process.on('unhandledRejection', record);
});

afterEach(() => {
  process.off('unhandledRejection', record);
});

interface OnNact {
  readonly system: ActorSystem;
  readonly letters: DeadLetter[];
}

function onNact(options: ActorSystemOptions = {}): OnNact {
  return kernelBench({ ...options, host: 'nact' });
}

/** Lets nact take its turns: rounds of the event loop until well after everybody is idle. */
async function settle(): Promise<void> {
  for (let round = 0; round < 50; round += 1) await new Promise((resolve) => setImmediate(resolve));
}

test('1. a sender that is faster than the receiver is told, message by message', async () => {
  const { system } = onNact();
  const ref = system.spawn<number>(() => ({ onMessage: () => undefined }), { mailbox: { capacity: 100 } });
  let refused = 0;
  for (let n = 0; n < 1_000; n += 1) if (!ref.offer(n)) refused += 1;
  expect(refused).toBe(900);
  await settle();
  expect(system.conservation()).toMatchObject({ sent: 100, handled: 100 });
});

test('2. a million messages do not pile up: the queue is bounded, and the sender waits', async () => {
  const { system } = onNact();
  let deepest = 0;
  const ref = system.spawn<number>(() => ({
    onMessage() {
      deepest = Math.max(deepest, system.snapshot().children[0]?.queued ?? 0);
    },
  }));
  for (let n = 0; n < 10_000; n += 1) await ref.send(n);
  await settle();
  expect(deepest).toBeLessThanOrEqual(1_024);
  expect(system.conservation()).toMatchObject({ sent: 10_000, handled: 10_000 });
});

test('3. a group restart while an actor awaits never runs two handlers of one life at once', async () => {
  const { system, letters } = onNact({ supervision: { strategy: 'oneForAll', restartsMax: 10 } });
  const doors: Gate[] = [];
  const log: string[] = [];
  let lives = 0;
  const slow = system.spawn<string>(
    () => {
      lives += 1;
      const life = lives;
      let active = 0;
      return {
        async onMessage(message) {
          active += 1;
          log.push(`life ${life}: ${message}, ${active} at once`);
          const door = gate();
          doors.push(door);
          await door.promise;
          active -= 1;
        },
      };
    },
    { restart: 'permanent' },
  );
  const failing = system.spawn<string>(throwing, { restart: 'permanent' });
  slow.offer('first');
  slow.offer('second');
  await settle();
  failing.offer('fail');
  await settle();
  // The group restart is an orderly stop for the one that did not fail: its handler may finish.
  expect(log).toEqual(['life 1: first, 1 at once']);
  doors[0]?.open();
  await settle();
  expect(log).toEqual(['life 1: first, 1 at once', 'life 2: second, 1 at once']);
  expect(letters.map(({ message }) => message)).toEqual(['fail']);
});

test('4. an escalation does not wedge the child: the supervisor fails, and both live on when it is restarted', async () => {
  const { system } = onNact();
  const seen: string[] = [];
  let child: ActorRef<string> | null = null;
  const parent = (context: ActorContext<string>) => {
    child = context.spawn<string>(() => ({
      onMessage(message) {
        if (message === 'fail') throw new Error('child');
        seen.push(message);
      },
    }));
    return { onMessage: (message: string) => void child?.offer(message) };
  };
  const ref = system.spawn<string>(parent, {
    restart: 'permanent',
    supervision: { decide: () => 'escalate' },
  });
  ref.offer('before');
  ref.offer('fail');
  await settle();
  ref.offer('after');
  await settle();
  expect(seen).toEqual(['before', 'after']);
});

test('5. a throw after a stop is no unhandled rejection', async () => {
  const { system } = onNact();
  const door = gate();
  const ref = system.spawn<string>(() => ({ onMessage: () => door.promise }));
  ref.offer('m');
  await settle();
  const stopped = system.stop(ref);
  await settle();
  door.fail(new Error('after the stop'));
  await stopped;
  const crashed = gate();
  const other = system.spawn<string>(() => ({ onMessage: () => crashed.promise }));
  other.offer('m');
  await settle();
  system.crash(other, new Error('fault'));
  crashed.fail(new Error('after the crash'));
  await settle();
  expect(unhandled).toEqual([]);
});

test('6. a policy that throws does not wedge anybody: it means escalate', async () => {
  const { system } = onNact({
    supervision: {
      decide: () => {
        throw new Error('policy');
      },
    },
  });
  system.spawn<string>(throwing, { restart: 'permanent' }).offer('fail');
  expect(await system.terminated).toBeInstanceOf(EscalatedError);
  expect(unhandled).toEqual([]);
});

test('7. nothing vanishes round a stop: of 2,000 messages each is handled or a dead letter', async () => {
  const { system, letters } = onNact();
  let handled = 0;
  const setup = () => ({
    onMessage() {
      handled += 1;
    },
  });
  const ref = system.spawn<number>(setup, { mailbox: { capacity: 1_000 } });
  for (let n = 0; n < 1_000; n += 1) ref.offer(n);
  await settle();
  for (let n = 0; n < 500; n += 1) ref.offer(n);
  void system.stop(ref);
  for (let n = 0; n < 500; n += 1) ref.offer(n);
  await settle();
  expect(handled + letters.length).toBe(2_000);
  expect(letters.length).toBeGreaterThan(0);
  expect(isConserved(system.conservation())).toBe(true);
});

test('8. restarts have a limit', async () => {
  const { system } = onNact({ supervision: { restartsMax: 5, periodMs: 1_000 } });
  let starts = 0;
  system.spawn<never>(
    () => {
      starts += 1;
      throw new Error('always');
    },
    { restart: 'permanent' },
  );
  expect(await system.terminated).toBeInstanceOf(RestartLimitError);
  expect(starts).toBe(6);
});

test('9. a stale ref does not reach a later actor of the same name', async () => {
  const { system, letters } = onNact();
  const seen: string[] = [];
  const setup = () => ({ onMessage: (message: string) => void seen.push(message) });
  const old = system.spawn(setup, { name: 'same' });
  await system.stop(old);
  system.spawn(setup, { name: 'same' });
  old.offer('stale');
  await settle();
  expect(seen).toEqual([]);
  expect(letters.map(({ message, reason }) => [message, reason])).toEqual([['stale', 'staleRef']]);
});

test('10. the policy of the user is the one that is asked, for every kind of actor', async () => {
  const asked: string[] = [];
  const decide = ({ child }: { readonly child: string }) => {
    asked.push(child);
    return 'stop' as const;
  };
  const { system } = onNact({ supervision: { decide } });
  system.spawn<string>(throwing, { name: 'stateless' }).offer('fail');
  system.spawn<string>(throwing, { name: 'permanent', restart: 'permanent' }).offer('fail');
  await settle();
  expect(asked).toEqual(['/stateless', '/permanent']);
  expect(system.snapshot().children).toEqual([]);
});

function throwing(): { onMessage(): void } {
  return {
    onMessage: () => {
      throw new Error('thrown');
    },
  };
}
