// All mutants, in the order of their areas.
//
// Owns:    the list. A new mutant joins with an entry in one of the list-*.ts.

import { BARRIER_MUTANTS } from './list-barriers.js';
import { BASE_MUTANTS } from './list-bases.js';
import { CLOCK_MUTANTS } from './list-clock.js';
import { COMMIT_MUTANTS } from './list-commits.js';
import { FILE_MUTANTS } from './list-files.js';
import { FLOW_MUTANTS } from './list-flow.js';
import { GROUP_MUTANTS } from './list-groups.js';
import { KERNEL_MUTANTS } from './list-kernel.js';
import { POISON_MUTANTS } from './list-poison.js';
import { SLICE_MUTANTS } from './list-slices.js';
import { STATE_MUTANTS } from './list-state.js';
import { STORE_MUTANTS } from './list-store.js';
import { TIME_MUTANTS } from './list-time.js';
import { TRACE_MUTANTS } from './list-trace.js';
import { VALUE_MUTANTS } from './list-values.js';
import { WINDOW_MUTANTS } from './list-windows.js';
import type { Mutant } from './mutant.js';

export const MUTANTS: readonly Mutant[] = [
  ...BARRIER_MUTANTS,
  ...COMMIT_MUTANTS,
  ...STORE_MUTANTS,
  ...TIME_MUTANTS,
  ...STATE_MUTANTS,
  ...KERNEL_MUTANTS,
  ...TRACE_MUTANTS,
  ...SLICE_MUTANTS,
  ...VALUE_MUTANTS,
  ...GROUP_MUTANTS,
  ...CLOCK_MUTANTS,
  ...WINDOW_MUTANTS,
  ...FILE_MUTANTS,
  ...FLOW_MUTANTS,
  ...BASE_MUTANTS,
  ...POISON_MUTANTS,
];
