// Mutants of timers of the clock, and of the order in which timers ring.

import type { Mutant } from './mutant.js';

export const CLOCK_MUTANTS: readonly Mutant[] = [
  {
    name: 'clock-timers-not-set-again',
    title:
      'After a restore no alarm is set: timers of processing time ring only when another one is registered.',
    from: 'semantics 1.10',
    oracles: ['O17'],
    file: 'src/operators/keyed-process-operator.ts',
    find: `    openFunction(fn, context);
    this.running.armAlarm();`,
    replace: '    openFunction(fn, context);',
  },
  {
    name: 'timers-one-ms-early',
    title: 'Timers ring one millisecond early.',
    from: 'semantics 1.9, 1.10',
    oracles: ['O17'],
    file: 'src/state/timers.ts',
    find: 'if (space === undefined || space.time > time) break;',
    replace: 'if (space === undefined || space.time > time + 1) break;',
  },
  {
    name: 'clock-timer-not-deleted',
    title: 'Deleting a timer of processing time has no effect.',
    from: 'semantics 1.8',
    oracles: ['O17'],
    file: 'src/state/timers.ts',
    find: '    this.remove(this.processingTable, time, window);',
    replace: '    this.remove(this.eventTable, time, window);',
  },
  {
    name: 'clock-timers-on-every-subtask',
    title: 'After a rescale every subtask has all timers of processing time: they ring more than once.',
    from: 'semantics 1.11, 4.18',
    oracles: ['O17'],
    file: 'src/state/keyed-restore.ts',
    find: 'const filter = this.needsFilter(header);',
    replace: "const filter = this.needsFilter(header) && table.kind !== 'processingTimers';",
  },
  {
    name: 'clock-timers-not-in-increments',
    title:
      'A timer of processing time that was set behind the base is in no increment: it never rings after a restore.',
    from: 'semantics 1.11, 5.16',
    oracles: ['O17', 'O4'],
    file: 'src/state/keyed-snapshot.ts',
    find: '    this.tables = [...core.tables.values()];',
    replace: `    this.tables = [...core.tables.values()].filter(
      ({ kind }) => this.full || kind !== 'processingTimers',
    );`,
  },
  {
    name: 'timer-heap-looks-left-only',
    title: 'The order of timers looks at one of two successors: some ring behind later ones.',
    from: 'semantics 1.9: in ascending order',
    oracles: ['O17', 'O2'],
    file: 'src/state/timer-table.ts',
    find: 'isBefore(right, left) ? right : left;',
    replace: 'isBefore(right, left) && at > 0 ? right : left;',
  },
  {
    name: 'next-alarm-forgotten',
    title: 'When a timer has rung, no alarm is set for the next one.',
    from: 'semantics 1.10',
    oracles: ['O17'],
    file: 'src/operators/keyed-process-operator.ts',
    find: `    this.armAlarm();
    return true;`,
    replace: '    return true;',
  },
  {
    name: 'alarm-after-the-end',
    title: 'An operator whose input has ended is woken again and again for a timer that will not ring.',
    from: 'semantics 1.10; the state of rest at the end of a job',
    oracles: ['O7'],
    file: 'src/task/chain.ts',
    find: '      if (link.alarmMs === null || link.ended) continue;',
    replace: '      if (link.alarmMs === null) continue;',
  },
];
