// Mutants of the bounds of key groups.

import type { Mutant } from './mutant.js';

export const GROUP_MUTANTS: readonly Mutant[] = [
  {
    name: 'range-ends-one-late',
    title:
      'The range of a subtask ends one key group late where groups do not divide evenly: after a restore two subtasks have its keys, and its timers fire twice.',
    from: 'semantics 1.38',
    oracles: ['O17', 'O2'],
    file: 'src/state/key-groups.ts',
    find: 'Math.floor(((subtask + 1) * maxParallelism - 1) / parallelism)',
    replace: 'Math.floor(((subtask + 1) * maxParallelism) / parallelism)',
  },
  {
    name: 'range-begins-one-early',
    title: 'The range of a subtask begins one key group early where groups do not divide evenly.',
    from: 'semantics 1.38',
    oracles: ['O17', 'O2'],
    file: 'src/state/key-groups.ts',
    find: 'from: Math.ceil((subtask * maxParallelism) / parallelism),',
    replace: 'from: Math.floor((subtask * maxParallelism) / parallelism),',
  },
  {
    name: 'last-group-of-range-lost',
    title: 'After a rescale the keys of the last key group of each range have lost their state.',
    from: 'semantics 1.38, 4.17',
    oracles: ['O2', 'O17'],
    file: 'src/state/key-groups.ts',
    find: 'keyGroup <= range.to;',
    replace: 'keyGroup < Math.max(range.to, range.from + 1);',
  },
  {
    name: 'filter-one-group-late',
    title: 'After a rescale a subtask keeps the keys of one key group behind its own.',
    from: 'semantics 4.17, 4.18',
    oracles: ['O17', 'O2'],
    file: 'src/state/keyed-restore.ts',
    find: 'header.to > this.range.to;',
    replace: 'header.to > this.range.to + 1;',
  },
  {
    name: 'overlap-of-one-group-missed',
    title: 'After a rescale a subtask does not read a snapshot that shares only its first key group.',
    from: 'semantics 4.17',
    oracles: ['O2', 'O17'],
    file: 'src/checkpoint/assignment.ts',
    find: 'if (had.from <= wanted.to && wanted.from <= had.to) chains.push(snapshot.keyed);',
    replace:
      'if (had.from <= wanted.to && wanted.from < had.to + (had.from === had.to ? 1 : 0)) chains.push(snapshot.keyed);',
  },
  {
    name: 'assigned-range-rounded',
    title: 'State is assigned by ranges that are rounded, records by ranges that are not.',
    from: 'semantics 1.38',
    oracles: ['O2', 'O17'],
    file: 'src/checkpoint/assignment.ts',
    find: 'from: Math.ceil((subtask * maxParallelism) / parallelism),',
    replace: 'from: Math.round((subtask * maxParallelism) / parallelism),',
  },
  {
    name: 'records-rounded-up',
    title: 'Records of the first key group behind the middle of a range go to the next subtask.',
    from: 'semantics 1.37',
    oracles: ['O2', 'O17'],
    file: 'src/flow/partitioner.ts',
    find: 'return Math.floor((keyGroup * targets) / maxParallelism);',
    replace: 'return Math.min(targets - 1, Math.round((keyGroup * targets) / maxParallelism));',
  },
];
