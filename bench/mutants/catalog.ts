// All mutants, in the order of their areas.
//
// Owns:    the list. A new mutant joins with an entry in one of the list-*.ts.

import { BARRIER_MUTANTS } from './list-barriers.js';
import { COMMIT_MUTANTS } from './list-commits.js';
import { KERNEL_MUTANTS } from './list-kernel.js';
import { STATE_MUTANTS } from './list-state.js';
import { STORE_MUTANTS } from './list-store.js';
import { TIME_MUTANTS } from './list-time.js';
import { TRACE_MUTANTS } from './list-trace.js';
import type { Mutant } from './mutant.js';

export const MUTANTS: readonly Mutant[] = [
  ...BARRIER_MUTANTS,
  ...COMMIT_MUTANTS,
  ...STORE_MUTANTS,
  ...TIME_MUTANTS,
  ...STATE_MUTANTS,
  ...KERNEL_MUTANTS,
  ...TRACE_MUTANTS,
];
