// Faults of the input itself: records that cannot be understood, come late, or come twice from outside.
//
// Owns:    the input as the outside world has it, with these faults in it.
// Not:     faults of reading (world-input.ts).
//
// I1. They are part of the input: every attempt reads the same, and so does the run without other faults.

import { present } from '../base/assert.js';
import type { Arsenal } from './arsenal.js';

export interface TimedRecords<T> {
  readonly values: readonly T[];
  readonly timestamps: readonly number[];
}

export function withInputFaults<T>(
  input: TimedRecords<T>,
  arsenal: Arsenal,
  poison: ((record: T) => T) | null,
): TimedRecords<T> {
  if (!arsenal.has('record.poison', 'record.repeat', 'record.late')) return input;
  const rows: { value: T; timestamp: number }[] = [];
  const late: { at: number; row: { value: T; timestamp: number } }[] = [];
  for (const [index, value] of input.values.entries()) {
    const hit = `record ${index}`;
    const row = { value, timestamp: present(input.timestamps[index], 'a timestamp for each record') };
    if (poison !== null && arsenal.strike('record.poison', any, hit) !== null) row.value = poison(value);
    const delayed = arsenal.strike('record.late', any, hit);
    if (delayed === null) rows.push(row);
    else late.push({ at: index + delayed.parameter('places'), row });
    if (arsenal.strike('record.repeat', any, hit) !== null) rows.push({ ...row });
  }
  for (const { at, row } of late) rows.splice(Math.min(at, rows.length), 0, row);
  return { values: rows.map(({ value }) => value), timestamps: rows.map(({ timestamp }) => timestamp) };
}

function any(): boolean {
  return true;
}
