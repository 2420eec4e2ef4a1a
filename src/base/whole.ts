// Numbers that come from outside: positions, counts and ids of a checkpoint, which may come from anywhere.

/** True for a whole number that is exact and not negative. */
export function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
