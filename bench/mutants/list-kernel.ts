// Mutants of the actor kernel.

import type { Mutant, Part } from './mutant.js';

const TREES_AND_JOBS: readonly Part[] = ['trees', 'engine'];
const JOBS_AND_TREES: readonly Part[] = ['engine', 'trees'];
const TURN = 'actors/kernel/turn.ts';
const RECEIVER = 'actors/kernel/receiver.ts';
const MACHINE = 'actors/kernel/supervisor-machine.ts';

export const KERNEL_MUTANTS: readonly Mutant[] = [
  {
    name: 'two-handlers-at-once',
    title: 'A handler that awaits does not hold up the next message: two run in one actor at once.',
    from: 'reliability 1 (facts), fault F16',
    oracles: ['O9'],
    parts: JOBS_AND_TREES,
    file: TURN,
    find: `      if (result !== undefined && isThenable(result)) {
        life.turnMessagesLeft = left;
        awaitHandler(owner, life, result);
        return;
      }`,
    replace: `      if (result !== undefined && isThenable(result)) {
        if (left < 0) return awaitHandler(owner, life, result);
        void Promise.resolve(result).catch((error: unknown) => owner.fail(life, error));
      }`,
  },
  {
    name: 'abandoned-handler-counts',
    title:
      'A handler that was given up still acts when it ends: it takes the message that its successor has in hand.',
    from: 'faults F02, F04 and F16',
    oracles: ['O9', 'O12'],
    parts: TREES_AND_JOBS,
    file: TURN,
    find: `    if (isLate) owner.settledLate(life, failure, value);
    else settled(failure, value);`,
    replace: `    if (isLate && failure !== null) owner.settledLate(life, failure, value);
    else settled(failure, value);`,
  },
  {
    name: 'wake-up-lost',
    title:
      'A turn that ends with only control messages left asks for no other turn: the actor sleeps on them.',
    from: 'fault F09',
    oracles: ['O7'],
    parts: JOBS_AND_TREES,
    file: TURN,
    find: 'if (owner.receiver.mailbox.isEmpty()) owner.receiver.awake = false;',
    replace: 'if (owner.receiver.mailbox.data.length === 0) owner.receiver.awake = false;',
  },
  {
    name: 'timers-outlive-their-life',
    title: 'Timers of a life that has failed ring in the next one.',
    from: 'fault F17',
    oracles: ['O9', 'O14'],
    parts: TREES_AND_JOBS,
    file: 'actors/kernel/life.ts',
    find: `      timer.cancelled = true;
      timer.handle?.cancel();
    }`,
    replace: `      if (this.ending?.reason.kind === 'failed') continue;
      timer.cancelled = true;
      timer.handle?.cancel();
    }`,
  },
  {
    name: 'stopped-timers-run-on',
    title:
      'Timers of an actor that has stopped do nothing any more, but keep the process alive until they are due.',
    from: 'oracle O14',
    oracles: ['O14'],
    file: 'actors/kernel/life.ts',
    find: `      timer.cancelled = true;
      timer.handle?.cancel();
    }`,
    replace: `      timer.cancelled = true;
    }`,
  },
  {
    name: 'stale-ref-reaches-successor',
    title: 'A message to an actor that has ended goes to whoever has its name now.',
    from: 'reliability 1 (facts), fault F14',
    oracles: ['O9', 'O12'],
    parts: TREES_AND_JOBS,
    file: RECEIVER,
    find: '  #buryAfterEnd(message: unknown, ended: StopReason): void {',
    replace: `  #buryAfterEnd(message: unknown, ended: StopReason): void {
    const { living = new Map() } = this.#afterlife as { living?: Map<number, { receiver: Receiver }> };
    for (const { receiver } of living.values()) {
      if (receiver.path === this.path && receiver.ended === null && receiver.offer(message)) return;
    }`,
  },
  {
    name: 'mailbox-above-capacity',
    title: 'A mailbox takes one message more than its capacity.',
    from: 'faults F08 and F10',
    oracles: ['O8'],
    parts: TREES_AND_JOBS,
    file: RECEIVER,
    find: 'if (this.ended === null && mailbox.data.length < mailbox.capacity) {',
    replace: 'if (this.ended === null && mailbox.data.length <= mailbox.capacity) {',
  },
  {
    name: 'one-place-admits-all',
    title: 'One free place in a mailbox lets in everybody who waits: it holds more than its capacity.',
    from: 'fault F08',
    oracles: ['O8'],
    parts: TREES_AND_JOBS,
    file: 'actors/kernel/mailbox.ts',
    find: 'if (this.#first !== null) this.#admitFirst(this.#first);',
    replace: 'while (this.#first !== null) this.#admitFirst(this.#first);',
  },
  {
    name: 'dropping-mailbox-keeps',
    title: 'A mailbox that is to drop the newest message keeps it: nothing bounds it any more.',
    from: 'fault F10',
    oracles: ['O8', 'O12'],
    parts: TREES_AND_JOBS,
    file: RECEIVER,
    find: `        this.tally.sent += 1;
        this.#drop(message, 'dropNewest');
        return true;`,
    replace: `        this.tally.sent += 1;
        this.mailbox.data.push(message);
        return true;`,
  },
  {
    name: 'drop-uncounted',
    title: 'What a full mailbox drops is in no count.',
    from: 'fault F10',
    oracles: ['O12'],
    parts: TREES_AND_JOBS,
    file: RECEIVER,
    find: 'this.tally.dropped += 1;',
    replace: 'this.tally.dropped += 0;',
  },
  {
    name: 'failed-message-vanishes',
    title: 'The message whose handler failed is neither handled nor a dead letter: it is gone.',
    from: 'fault F01',
    oracles: ['O12'],
    parts: TREES_AND_JOBS,
    file: RECEIVER,
    find: "else this.#bury(message, 'handlerFailed', error);",
    replace: "else if (failures > redeliver + 1) this.#bury(message, 'handlerFailed', error);",
  },
  {
    name: 'unread-messages-vanish',
    title: 'Messages that an actor had not read when it ended are lost without a dead letter.',
    from: 'reliability 1 (facts), fault F14',
    oracles: ['O12'],
    parts: TREES_AND_JOBS,
    file: RECEIVER,
    find: 'this.#buryLane(mailbox.data, reason);',
    replace: 'while (mailbox.data.length > 0) mailbox.data.shift();',
  },
  {
    name: 'late-reply-uncounted',
    title: 'An answer that comes after its time-out counts as sent, and as nothing else.',
    from: 'fault F15',
    oracles: ['O12'],
    parts: TREES_AND_JOBS,
    file: 'actors/kernel/ask.ts',
    find: 'this.#ports.retired.deadLettered += 1;',
    replace: 'this.#ports.retired.deadLettered += 0;',
  },
  {
    name: 'waiting-senders-newest-first',
    title: 'Of the senders who wait for room the last one comes first: messages of one sender change places.',
    from: 'semantics X3, fault F11',
    oracles: ['O3'],
    parts: TREES_AND_JOBS,
    file: 'actors/kernel/mailbox.ts',
    find: 'if (this.#first !== null) this.#admitFirst(this.#first);',
    replace: 'if (this.#last !== null) this.#admitFirst(this.#last);',
  },
  {
    name: 'restarts-uncounted',
    title: 'Restarts are not counted: an actor that always fails is restarted for ever.',
    from: 'reliability 1 (facts), fault F03',
    oracles: ['O10', 'O7'],
    parts: TREES_AND_JOBS,
    file: MACHINE,
    find: 'this.#restartsAtMs.push(nowMs);',
    replace: 'this.#restartsAtMs = [];',
  },
  {
    name: 'escalation-swallowed',
    title:
      'A failure that the policy escalates ends the child, and the supervisor goes on as if nothing had happened.',
    from: 'fault F07',
    oracles: ['O10'],
    parts: TREES_AND_JOBS,
    file: MACHINE,
    find: "return this.#giveUp(id, 'escalated');",
    replace: 'return this.#removeExited(child);',
  },
  {
    name: 'group-stops-in-order-of-start',
    title:
      'A group is stopped in the order in which it was started: children lose those that they depend on.',
    from: 'reliability 7 (supervision semantics)',
    oracles: ['O10'],
    parts: TREES_AND_JOBS,
    file: MACHINE,
    find: "this.#procedure = { kind: 'stopping', stop: stop.reverse(), restart, delayMs };",
    replace: "this.#procedure = { kind: 'stopping', stop, restart, delayMs };",
  },
  {
    name: 'rest-for-one-restarts-all',
    title: 'restForOne restarts the elder siblings too.',
    from: 'reliability 7 (supervision semantics)',
    oracles: ['O10'],
    parts: TREES_AND_JOBS,
    file: MACHINE,
    find: "let isAffected = this.#policy.strategy === 'oneForAll';",
    replace: "let isAffected = this.#policy.strategy !== 'oneForOne';",
  },
  {
    name: 'waits-of-a-stopped-supervisor',
    title: 'A supervisor that stops leaves the waits before its restarts behind.',
    from: 'oracle O14',
    oracles: ['O14'],
    parts: TREES_AND_JOBS,
    file: 'actors/kernel/supervision.ts',
    find: 'for (const wait of this.#waits.values()) wait.cancel();',
    replace: 'this.#machine.end();',
  },
  {
    name: 'job-handler-without-deadline',
    title: 'The job actor waits for ever for a handler that never settles: nothing is restarted any more.',
    from: 'found by simulation, fault F04',
    oracles: ['O7'],
    file: 'actors/run.ts',
    find: 'handlerTimeoutMs: STEERING_HANDLER_TIMEOUT_MS,',
    replace: 'handlerTimeoutMs: STEERING_HANDLER_TIMEOUT_MS * 1_000_000,',
  },
  {
    name: 'coordinator-handler-without-deadline',
    title:
      'The coordinator waits for ever for a handler that never settles: no checkpoint completes any more.',
    from: 'found by simulation, fault F04',
    oracles: ['O7'],
    file: 'actors/attempt-actor.ts',
    find: 'handlerTimeoutMs: STEERING_HANDLER_TIMEOUT_MS,',
    replace: 'handlerTimeoutMs: STEERING_HANDLER_TIMEOUT_MS * 1_000_000,',
  },
];
