// Lengths of virtual time as people write them in faults and checks.
//
// Owns:    the text form, and refusing what is none.
// Not:     the named units of jobs (src/api/durations.ts).

import { ConfigError } from '../base/errors.js';

/** `'250ms'`, `'3s'`, `'2min'`, `'1h'`, with decimals if need be, or a number of milliseconds. */
export type Duration = number | `${number}${'ms' | 's' | 'min' | 'h'}`;

const UNIT_MS: ReadonlyMap<string, number> = new Map([
  ['ms', 1],
  ['s', 1_000],
  ['min', 60_000],
  ['h', 3_600_000],
]);

const DURATION = /^(-?\d+(?:\.\d+)?)(ms|s|min|h)$/;

/** Milliseconds, at least 0. `what` names the option in the ConfigError that refuses anything else. */
export function durationMs(duration: Duration, what: string): number {
  const ms = signedDurationMs(duration, what);
  if (ms >= 0) return ms;
  throw refusal(what, 'a duration that is not negative', duration);
}

/** Milliseconds; negative ones go back in time. Throws ConfigError that names `what`. */
export function signedDurationMs(duration: Duration, what: string): number {
  const ms = typeof duration === 'number' ? duration : parsed(duration);
  if (Number.isFinite(ms)) return ms;
  throw refusal(what, 'a duration', duration);
}

// NaN where the text is no duration. `unknown`: JavaScript may pass anything.
function parsed(text: unknown): number {
  const match = typeof text === 'string' ? DURATION.exec(text) : null;
  if (match === null) return Number.NaN;
  const [, amount, unit] = match;
  return Number(amount) * (UNIT_MS.get(unit ?? '') ?? Number.NaN);
}

function refusal(what: string, expected: string, got: unknown): ConfigError {
  const shown = typeof got === 'string' ? `"${got}"` : String(got);
  return new ConfigError(`${what}: expected ${expected}, got ${shown}.`, {
    remedy: 'Write "250ms", "3s", "2min", "1h", or a number of milliseconds.',
  });
}
