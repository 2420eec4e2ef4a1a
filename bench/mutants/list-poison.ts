// Mutants of records that are left out (onError): what a failed call leaves behind.

import type { Mutant } from './mutant.js';

export const POISON_MUTANTS: readonly Mutant[] = [
  {
    name: 'taken-back-but-values',
    title: 'A value that a failed call had read and changed in place keeps the change.',
    from: 'decision 0016',
    oracles: ['O2'],
    file: 'src/state/undo-log.ts',
    find: `    if (kind === 'list' || typeof entry.value !== 'object' || entry.value === null) return;`,
    replace: `    if (kind !== 'map') return;`,
  },
  {
    name: 'taken-back-but-accumulators',
    title: 'An accumulator that a failed call has added to keeps what was added.',
    from: 'decision 0016',
    oracles: ['O2'],
    file: 'src/operators/windows/window-contents.ts',
    find: `    return copied(contents);`,
    replace: `    return () => contents;`,
  },
  {
    name: 'taken-back-but-removed',
    title: 'What a failed call has removed stays removed.',
    from: 'decision 0016',
    oracles: ['O2'],
    file: 'src/state/undo-log.ts',
    find: `    this.steps.push(() => table.putBack(entry));`,
    replace: `    void table;`,
  },
  {
    name: 'taken-back-but-added',
    title: 'What a failed call has added stays.',
    from: 'decision 0016',
    oracles: ['O2'],
    file: 'src/state/undo-log.ts',
    find: `    this.steps.push(() => table.remove(entry));`,
    replace: `    void table;`,
  },
  {
    name: 'taken-back-but-cleared',
    title: 'A map that a failed call has cleared stays empty.',
    from: 'decision 0016',
    oracles: ['O2'],
    file: 'src/state/undo-log.ts',
    find: `    this.steps.push(() => table.attach(space));`,
    replace: `    void table;`,
  },
  {
    name: 'taken-back-oldest-first',
    title: 'Changes are taken back in the order in which they were made.',
    from: 'decision 0016',
    oracles: ['O2'],
    file: 'src/state/undo-log.ts',
    find: `for (let step = this.steps.pop(); step !== undefined; step = this.steps.pop()) step();`,
    replace: `for (let step = this.steps.shift(); step !== undefined; step = this.steps.shift()) step();`,
  },
  {
    name: 'taken-back-list-as-it-is',
    title: 'A list that a failed call has added to keeps its new elements.',
    from: 'decision 0016',
    oracles: ['O2'],
    file: 'src/state/undo-log.ts',
    find: `    const grown = items.length > length;
    cell.items`,
    replace: `    const grown = false as boolean;
    cell.items`,
  },
  {
    name: 'taken-back-removal-in-increment',
    title: 'A removal that was taken back is in the next increment all the same.',
    from: 'decision 0016',
    oracles: ['O2', 'O4'],
    file: 'src/state/state-core.ts',
    find: `if (this.removalsBefore !== null) this.removals.backTo(this.removalsBefore);`,
    replace: `void this.removalsBefore;`,
  },
  {
    name: 'taken-back-image-forgotten',
    title: 'What was changed and taken back while a snapshot is under way is in it as it was in between.',
    from: 'decision 0016',
    oracles: ['O2', 'O4'],
    file: 'src/state/state-core.ts',
    find: `    if (entry.epoch === this.epoch) return;
`,
    replace: `    if (this.undo !== null || entry.epoch === this.epoch) return;
`,
  },
  {
    name: 'timer-taken-back-unqueued',
    title: 'A timer that a failed call had deleted is there again, and does not ring.',
    from: 'decision 0016',
    oracles: ['O2'],
    file: 'src/state/timer-table.ts',
    find: `    super.queue(space);
    this.place(`,
    replace: `    super.queue(space);
    if (space.born < 0) this.place(`,
  },
  {
    name: 'results-of-failed-calls',
    title: 'What a failed call had emitted leaves.',
    from: 'decision 0016',
    oracles: ['O1', 'O2'],
    file: 'src/operators/trial.ts',
    find: `      this.held.length = before;
`,
    replace: ``,
  },
  {
    name: 'letter-twice',
    title: 'A record that fails is sent to the dead letters twice.',
    from: 'decision 0016',
    oracles: ['O1', 'O2'],
    file: 'src/operators/trial.ts',
    find: `    if (tag !== null) this.held.push({ kind: 'side', tag, value: leftOut.letter(failed, error), timestamp });`,
    replace: `    for (let n = 0; n < 2 && tag !== null; n += 1)
      this.held.push({ kind: 'side', tag, value: leftOut.letter(failed, error), timestamp });`,
  },
  {
    name: 'result-lost-without-room',
    title: 'Results that wait for room when the next call begins are lost.',
    from: 'decision 0016',
    oracles: ['O1', 'O2'],
    file: 'src/operators/trial.ts',
    find: `    const before = this.held.length;`,
    replace: `    if (this.left > 0) this.held.length = 0;
    const before = this.held.length;`,
  },
];
