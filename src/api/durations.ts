// Lengths of time, spoken. A duration is a plain number of milliseconds everywhere in Weir.

export function milliseconds(count: number): number {
  return count;
}

export function seconds(count: number): number {
  return count * 1_000;
}

export function minutes(count: number): number {
  return count * 60_000;
}

export function hours(count: number): number {
  return count * 3_600_000;
}

/** Days of 24 hours: time zones and summer time are not known here. */
export function days(count: number): number {
  return count * 86_400_000;
}
