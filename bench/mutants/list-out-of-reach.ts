// Bugs that the simulation cannot see, and why: reported as survivors, never hunted.
//
// Owns:    the list.

export interface OutOfReach {
  readonly name: string;
  /** What goes wrong for a user. */
  readonly title: string;
  readonly file: string;
  /** Why no simulated run shows it, and what does. */
  readonly reason: string;
}

export const OUT_OF_REACH: readonly OutOfReach[] = [];
