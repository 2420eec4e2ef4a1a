// Numbers for people: counts, durations, bytes, and the durations that people write.
//
// Owns:    both directions of durations; what is shown is rounded to what the eye needs.

import { ConfigError } from '../base/errors.js';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: SECOND_MS,
  m: MINUTE_MS,
  min: MINUTE_MS,
  h: HOUR_MS,
};
const BYTE_UNITS = ['B', 'KB', 'MB', 'GB', 'TB'] as const;

/** `1234567` is `1,234,567`. */
export function showCount(count: number): string {
  return Math.round(count).toLocaleString('en-US');
}

/** `1 restart`, `2 restarts`. */
export function showNumberOf(count: number, one: string): string {
  return `${showCount(count)} ${one}${count === 1 ? '' : 's'}`;
}

/** `34 ms`, `3.2 s`, `4 min 05 s`, `2 h 03 min`, `3 d 4 h`. */
export function showDuration(durationMs: number): string {
  // Rounding first: 59,999 ms are a minute, not "60.0 s".
  if (Math.round(durationMs) < SECOND_MS) return `${Math.round(durationMs)} ms`;
  const tenths = Math.round(durationMs / 100) / 10;
  if (tenths < 60) return `${tenths.toFixed(1)} s`;
  const seconds = Math.round(durationMs / SECOND_MS);
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${twoDigits(seconds % 60)} s`;
  const minutes = Math.round(durationMs / MINUTE_MS);
  if (minutes < 1_440) return `${Math.floor(minutes / 60)} h ${twoDigits(minutes % 60)} min`;
  const hours = Math.round(durationMs / HOUR_MS);
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** `512 B`, `12.3 KB`; thousands, as disks are sold. */
export function showBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < BYTE_UNITS.length - 1) {
    value /= 1_000;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${BYTE_UNITS[unit]}`;
}

/** Lags beyond a day say nothing: then the time itself is worth more. */
export function isLongLag(lagMs: number): boolean {
  return Math.abs(lagMs) >= DAY_MS;
}

/** `HH:MM:SS` in the time zone of the machine. */
export function showClock(wallMs: number): string {
  const date = new Date(wallMs);
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map(twoDigits).join(':');
}

/** Milliseconds of `500ms`, `1s`, `1.5s`, `2min`, `1h`, or `0`. Throws ConfigError naming the option. */
export function parseDuration(text: string, option: string): number {
  if (text.trim() === '0') return 0;
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/.exec(text.trim());
  const unitMs = match === null ? undefined : UNITS_MS[match[2] ?? ''];
  if (match === null || unitMs === undefined) {
    throw new ConfigError(`${option} is a duration with its unit, got ${JSON.stringify(text)}.`, {
      remedy: 'Write it like 500ms, 1s, 2min or 1h.',
    });
  }
  return Math.round(Number(match[1]) * unitMs);
}

function twoDigits(number: number): string {
  return String(number).padStart(2, '0');
}
