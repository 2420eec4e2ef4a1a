// Mutants of keyed state, operator state, and their move to another parallelism.

import type { Mutant } from './mutant.js';

const RESTORE = 'src/state/keyed-restore.ts';

export const STATE_MUTANTS: readonly Mutant[] = [
  {
    name: 'routing-by-modulo',
    title:
      'Records go to the key group modulo the parallelism, state by ranges: after a rescale a key misses its state.',
    from: 'semantics 1.37, 1.C',
    oracles: ['O1', 'O2'],
    file: 'src/flow/partitioner.ts',
    find: 'return Math.floor((keyGroup * targets) / maxParallelism);',
    replace: 'return keyGroup % targets;',
  },
  {
    name: 'rescale-loses-state',
    title:
      'A new subtask reads only snapshots that lie within its key groups, not those that overlap: state is lost.',
    from: 'semantics 4.17, 4.B',
    oracles: ['O1', 'O2'],
    file: 'src/checkpoint/assignment.ts',
    find: 'if (had.from <= wanted.to && wanted.from <= had.to) chains.push(snapshot.keyed);',
    replace: 'if (had.from >= wanted.from && had.to <= wanted.to) chains.push(snapshot.keyed);',
  },
  {
    name: 'foreign-key-groups-kept',
    title: 'After a rescale a subtask keeps keys of others as well: their windows and timers fire twice.',
    from: 'semantics 4.17, 4.18',
    oracles: ['O1', 'O2'],
    file: RESTORE,
    find: 'return header.from < this.range.from || header.to > this.range.to;',
    replace: 'return header.from < this.range.from && header.to > this.range.to;',
  },
  {
    name: 'timers-on-every-subtask',
    title: 'After a rescale every subtask has all timers: they fire more than once.',
    from: 'semantics 1.11, 4.18',
    oracles: ['O1', 'O2'],
    file: RESTORE,
    find: 'const filter = this.needsFilter(header);',
    replace: "const filter = this.needsFilter(header) && table.kind !== 'eventTimers';",
  },
  {
    name: 'split-lists-lose-the-rest',
    title:
      'Lists that do not divide evenly lose their rest on a rescale: splits of a source are never read again.',
    from: 'semantics 4.14',
    oracles: ['O1'],
    file: 'src/checkpoint/redistribute.ts',
    find: 'position += base + (turn < extras ? 1 : 0);',
    replace: 'position += base + (turn < extras && base > extras ? 1 : 0);',
  },
  {
    name: 'removals-not-in-increments',
    title:
      'An incremental checkpoint does not say what was removed: timers that have fired come back, and fire again.',
    from: 'semantics 5.16, 4.4',
    oracles: ['O1', 'O2', 'O4'],
    file: 'src/state/table.ts',
    find: 'if (!entry.isBornIn(host.epoch)) host.noteRemoval(this, space.namespace, entry.key);',
    replace: 'if (entry.isBornIn(host.epoch)) host.noteRemoval(this, space.namespace, entry.key);',
  },
  {
    name: 'changes-not-in-increments',
    title: 'A changed entry is not marked as changed: incremental checkpoints keep its old value.',
    from: 'semantics 5.16',
    oracles: ['O1', 'O2', 'O4'],
    file: 'src/state/state-core.ts',
    find: `    entry.epoch = this.epoch;
    entry.space.epoch = this.epoch;`,
    replace: '    entry.space.epoch = this.epoch;',
  },
  {
    name: 'newest-increment-only',
    title: 'A restore reads the last increment of a checkpoint and not those that it builds on.',
    from: 'semantics 5.16',
    oracles: ['O1', 'O2', 'O4'],
    file: 'actors/opening.ts',
    find: "chain.map((segment) => present(of.segments, 'a reader of segments').readSegment(segment)),",
    replace:
      "chain.slice(-1).map((segment) => present(of.segments, 'a reader of segments').readSegment(segment)),",
  },
];
