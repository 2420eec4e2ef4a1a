// What a mutant is: one planted bug, as data.
//
// Owns:    the shape of mutants, the names of the oracles.
// Not:     the mutants (list-*.ts), planting one (plant.ts), hunting them (hunt.ts).
//
// M1. A mutant is a bug that a user could notice, never a change that only looks like one: the code behind its place was
//     read, and the second line of defence that would hide it was looked for.
// M2. One replacement in one file. What takes two edits to become a bug is defended twice, and says nothing about an oracle.

export const ORACLES = [
  'O1',
  'O2',
  'O3',
  'O4',
  'O5',
  'O6',
  'O7',
  'O8',
  'O9',
  'O10',
  'O11',
  'O12',
  'O13',
  'O14',
  'O15',
  'O16',
  'O17',
  'O18',
] as const;

export type Oracle = (typeof ORACLES)[number];

/** Parts of the simulation: whole jobs, the bare checkpoint protocol, trees of actors. */
export type Part = 'engine' | 'protocol' | 'trees';

export interface Mutant {
  /** Unique; in tables and on the command line. */
  readonly name: string;
  /** What goes wrong for a user. */
  readonly title: string;
  /** Where such a bug was seen, or which rule it breaks. */
  readonly from: string;
  /** Those that are expected to notice. Others may as well. */
  readonly oracles: readonly Oracle[];
  /** Shapes of the simulation that can reach it. Absent: all are tried. */
  readonly shapes?: readonly string[];
  /** Parts of the simulation to look in, one after the other. Default: whole jobs. */
  readonly parts?: readonly Part[];
  /** Relative to the root of the project. */
  readonly file: string;
  /** Text that occurs exactly once in the file. */
  readonly find: string;
  readonly replace: string;
}
