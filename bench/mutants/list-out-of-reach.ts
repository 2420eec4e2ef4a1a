// Bugs that the simulation does not find within the seeds of a hunt, and why: reported as survivors.
//
// Owns:    the list. `--only` takes their names; a hunt without it leaves them out, and the page names them all the same.

import type { Mutant } from './mutant.js';

export interface OutOfReach extends Mutant {
  /** Why no run shows it, or so few do. */
  readonly reason: string;
}

export const OUT_OF_REACH: readonly OutOfReach[] = [
  {
    name: 'unknown-state-dropped',
    title: 'State of an operator that the job no longer has is left behind, although nobody has allowed it.',
    from: 'semantics 4.19, fault F33',
    oracles: ['O11'],
    reason:
      'No simulated job is started again with other operators; test/checkpoint/assignment.test.ts is about this rule.',
    file: 'src/checkpoint/assignment.ts',
    find: 'const problems = options.allowNonRestoredState ? [] : homelessProblems(homeless, plan, stored);',
    replace:
      'const problems =\n    options.allowNonRestoredState || plan.length > 0 ? [] : homelessProblems(homeless, plan, stored);',
  },
  {
    name: 'rescale-above-maximum',
    title: 'A job restarts with more subtasks than there are key groups, or another number of groups.',
    from: 'semantics 4.17',
    oracles: ['O11'],
    reason:
      'Simulated jobs are rescaled between 1 and 3 subtasks, never above their key groups; test/checkpoint/assignment.test.ts is about this rule.',
    file: 'src/checkpoint/assignment.ts',
    find: 'if (hasKeyedState(from)) {',
    replace: 'if (hasKeyedState(from) && from.parallelism > from.maxParallelism) {',
  },
  {
    name: 'late-records-uncounted',
    title: 'Late records are dropped without being counted: nobody learns that results are incomplete.',
    from: 'semantics 3.8, oracle O13',
    oracles: ['O13'],
    reason:
      'Counters are of an attempt, and start anew with each restart: no run can compare them. Late records with a side output are compared; test/operators is about the counter.',
    file: 'src/operators/windows/lateness.ts',
    find: 'context.metrics.count(LATE_RECORDS_DROPPED, 1);',
    replace: 'context.metrics.count(LATE_RECORDS_DROPPED, 0);',
  },
  {
    name: 'reads-before-start-is-durable',
    title: 'A source reads from a start position that it has looked up before a checkpoint knows it.',
    from: 'rule R5 of source-machine.ts',
    oracles: ['O1'],
    reason:
      'No simulated source finds its start by looking; test/engine/start-at-end.test.ts is about this rule.',
    file: 'src/task/source-machine.ts',
    find: '    this.awaitsCheckpoint = parts.awaitsCheckpoint;',
    replace: '    this.awaitsCheckpoint = parts.awaitsCheckpoint && parts.pollRecordsMax === 0;',
  },
  {
    name: 'new-split-forgotten',
    title: 'A split that is new in a source is given to nobody.',
    from: 'decision 0013',
    oracles: ['O1'],
    reason:
      'Simulated sources have the same splits from beginning to end; test/engine/changing-splits.test.ts is about this rule.',
    file: 'src/task/split-shares.ts',
    find: '    if (known.has(id)) continue;',
    replace: '    if (known.has(id) || known.size > 0) continue;',
  },
];
