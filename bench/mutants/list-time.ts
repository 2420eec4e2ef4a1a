// Mutants of event time: watermarks, timers, windows, sessions, and clocks.

import type { Mutant } from './mutant.js';

const MERGE = 'src/flow/watermark-merge.ts';
const LATENESS = 'src/operators/windows/lateness.ts';
const ALIGNED = 'src/operators/windows/aligned-window-operator.ts';

export const TIME_MUTANTS: readonly Mutant[] = [
  {
    name: 'watermark-of-fastest-channel',
    title:
      'Event time follows the fastest channel instead of the slowest: records of the others are late, and dropped.',
    from: 'semantics 2.11, 2.B',
    oracles: ['O1', 'O13', 'O17'],
    file: MERGE,
    find: `    let minimum = Number.POSITIVE_INFINITY;
    for (const input of this.channels) {
      if (input.state === 'counting' && input.time < minimum) minimum = input.time;`,
    replace: `    let minimum = Number.NEGATIVE_INFINITY;
    for (const input of this.channels) {
      if (input.state === 'counting' && input.time > minimum) minimum = input.time;`,
  },
  {
    name: 'max-with-first-end',
    title: 'The end of input is announced when the first channel ends: what the others still send is late.',
    from: 'semantics 2.17, 2.B',
    oracles: ['O1', 'O13', 'O17'],
    file: MERGE,
    find: "if (this.channels.every((input) => input.state === 'ended')) {",
    replace: "if (this.channels.some((input) => input.state === 'ended')) {",
  },
  {
    name: 'no-watermark-at-end',
    title: 'The end of input sends no last watermark: the last windows and timers never fire.',
    from: 'semantics 2.17, 2.B',
    oracles: ['O1', 'O2'],
    file: 'src/task/source-machine.ts',
    find: `        this.watermark = MAX_TIMESTAMP;
        this.parts.chain.startWatermark(MAX_TIMESTAMP);`,
    replace: '        this.watermark = MAX_TIMESTAMP;',
  },
  {
    name: 'watermark-before-results',
    title: 'A watermark goes on before the results that it has caused: they reach the next window late.',
    from: 'semantics 2.19, 2.B',
    oracles: ['O1', 'O13'],
    file: 'src/task/chain.ts',
    find: 'const done = link.operator.onWatermark?.(advance.time) ?? true;',
    replace: `this.outbox.controlAll(watermark(advance.time));
      const done = link.operator.onWatermark?.(advance.time) ?? true;`,
  },
  {
    name: 'watermark-not-merged',
    title:
      "Each channel's watermark is passed on as it comes: event time downstream jumps ahead, and goes back.",
    from: 'semantics 2.11, 2.B',
    oracles: ['O13', 'O1'],
    file: 'src/task/task-machine.ts',
    find: 'return this.advance(merge.watermark(channel, element.time));',
    replace: 'return this.advance([element]);',
  },
  {
    name: 'watermark-jumps-the-queue',
    title: 'A watermark that waits for room stands in front of what was sent before it: records become late.',
    from: 'semantics 2.6, 5.2',
    oracles: ['O13', 'O1'],
    file: 'src/task/outbox.ts',
    find: 'channel.waiting.push(element);',
    replace: `if (element.kind === 'watermark') channel.waiting.unshift(element);
    else channel.waiting.push(element);`,
  },
  {
    name: 'splits-not-merged',
    title: 'A source follows the split that is furthest: records of the others are late.',
    from: 'semantics 2.8, 2.B',
    oracles: ['O1', 'O17'],
    file: 'src/operators/split-watermarks.ts',
    find: 'return time === null ? [] : this.merge.watermark(split.channel, Math.min(time, HIGHEST));',
    replace: "return time === null ? [] : [{ kind: 'watermark', time: Math.min(time, HIGHEST) }];",
  },
  {
    name: 'watermark-by-wall-clock',
    title: 'Watermarks follow the clock of the machine instead of the records: most of them are late.',
    from: 'semantics 2.B',
    oracles: ['O13', 'O1'],
    file: 'src/operators/split-watermarks.ts',
    find: 'emissions.push(...this.periodicOf(split));',
    replace: 'emissions.push(...this.rise(split, nowMs - 1_000));',
  },
  {
    name: 'late-by-record-time',
    title: 'A record below the watermark is dropped although one of its windows is still open.',
    from: 'semantics 3.8, 3.B',
    oracles: ['O1', 'O13', 'O17'],
    file: ALIGNED,
    find: 'if (!lateness.isLate(end - 1)) {',
    replace: 'if (!lateness.isLate(timestamp)) {',
  },
  {
    name: 'gone-window-opens-again',
    title:
      'A record that is late by nothing opens a window that has fired and gone: its key gets a second, partial result.',
    from: 'semantics 3.7',
    oracles: ['O1', 'O17', 'O13'],
    file: LATENESS,
    find: 'return this.cleanupTime(lastTimestamp) <= this.reached;',
    replace: 'return this.cleanupTime(lastTimestamp) < this.reached;',
  },
  {
    name: 'event-time-not-in-snapshot',
    title: 'A restart forgets which windows have fired: late records of before open them again.',
    from: 'semantics 2.18, 3.B',
    oracles: ['O1', 'O17'],
    file: LATENESS,
    find: 'this.stored.set(worth ? [this.reached] : []);',
    replace: 'this.stored.set(worth && this.reached === MIN_TIMESTAMP ? [this.reached] : []);',
  },
  {
    name: 'window-fires-one-late',
    title:
      'A window looks for its turn one millisecond late: one whose last moment is the watermark itself never fires at all.',
    from: 'semantics 3.6, 3.B',
    oracles: ['O1', 'O2'],
    file: ALIGNED,
    find: 'due: this.table.windowsUpTo(time + 1)',
    replace: 'due: this.table.windowsUpTo(time)',
  },
  {
    name: 'merged-session-loses-contents',
    title: 'A record that joins two sessions keeps the contents of only one of them.',
    from: 'semantics 3.18, 3.B',
    oracles: ['O1', 'O17'],
    file: 'src/operators/windows/session-window-operator.ts',
    find: 'merged.contents = this.contents.merge(merged.contents, taken);',
    replace: 'merged.fired = merged.fired && other.fired;',
  },
  {
    name: 'timers-not-in-snapshot',
    title: 'Timers are not part of checkpoints: after a restart they never fire.',
    from: 'semantics 1.11, 3.B',
    oracles: ['O1', 'O2'],
    file: 'src/state/keyed-snapshot.ts',
    find: 'this.tables = [...core.tables.values()];',
    replace: 'this.tables = [...core.tables.values()].filter(({ kind }) => !isTimers(kind));',
  },
  {
    name: 'deleted-timer-fires',
    title: 'Deleting a timer has no effect: an alarm rings although it was called off.',
    from: 'semantics 1.8',
    oracles: ['O17', 'O1'],
    file: 'src/state/timers.ts',
    find: 'if (entry !== undefined) table.remove(entry);',
    replace: 'if (entry !== undefined && time <= this.watermark) table.remove(entry);',
  },
  {
    name: 'restart-delay-by-wall-clock',
    title: 'Delays before restarts go by the wall clock: when it is set back an hour, the job waits an hour.',
    from: 'fault F50, semantics 5.30',
    oracles: ['O13', 'O7'],
    file: 'actors/job-actor.ts',
    find: 'return this.context.runtime.clock.monotonicMs();',
    replace: 'return this.context.runtime.clock.wallMs();',
  },
  {
    name: 'actor-deadlines-by-wall-clock',
    title:
      'Deadlines of actors go by the wall clock: when it is set back, a handler that hangs is not noticed.',
    from: 'faults F04 and F50',
    oracles: ['O13', 'O7'],
    file: 'actors/kernel/cell.ts',
    find: 'return this.#kernel.runtime.clock.monotonicMs();',
    replace: 'return this.#kernel.runtime.clock.wallMs();',
  },
  {
    name: 'sources-wait-by-wall-clock',
    title: 'Sources wait by the wall clock: when it is set back an hour, they poll nothing for an hour.',
    from: 'found by simulation, fault F50',
    oracles: ['O7', 'O13'],
    file: 'src/base/steady-clock.ts',
    find: 'this.#nowMs = Math.max(this.#nowMs + elapsedMs, this.#clock.wallMs());',
    replace: 'this.#nowMs = this.#clock.wallMs();',
  },
];
