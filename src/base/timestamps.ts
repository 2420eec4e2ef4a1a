// Event time: milliseconds since 1970 UTC in a double, two named sentinels, saturating sums.
//
// T1. Every sum of times goes through `addTime`: MAX plus a lateness stays MAX (semantics 2.B, 3.7).

/** "No timestamp" on a record, "no watermark yet" on a channel. */
export const MIN_TIMESTAMP: number = Number.MIN_SAFE_INTEGER;
/** The watermark after the last record; no record carries it. */
export const MAX_TIMESTAMP: number = Number.MAX_SAFE_INTEGER;

/** `time + deltaMs`, held within [MIN_TIMESTAMP, MAX_TIMESTAMP]; the sentinels absorb. */
export function addTime(time: number, deltaMs: number): number {
  if (time >= MAX_TIMESTAMP || time <= MIN_TIMESTAMP) return time;
  const sum = time + deltaMs;
  if (sum >= MAX_TIMESTAMP) return MAX_TIMESTAMP;
  if (sum <= MIN_TIMESTAMP) return MIN_TIMESTAMP;
  return sum;
}

/** Remainder that is never negative for a positive divisor: `floorMod(-1, 7) === 6`. */
export function floorMod(value: number, divisor: number): number {
  const rest = value % divisor;
  return rest < 0 ? rest + divisor : rest === 0 ? 0 : rest;
}

/** For logs and status lines: a sentinel by name, anything else as ISO time. */
export function showTime(time: number): string {
  if (time <= MIN_TIMESTAMP) return 'none';
  if (time >= MAX_TIMESTAMP) return 'end';
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? String(time) : date.toISOString();
}
