// A record whose time leaps ahead of all before it: what it makes late is found far behind it, so it is told where it comes.
//
// Owns:    noticing it, and telling the first, the tenth, the hundredth.
// Not:     bounding what it does (advanceMaxMs of watermark-generators.ts), counting late records (windows/lateness.ts).

import { EVENT_TIME_LEAP_TOLD_MS } from '../base/limits.js';
import type { Logger } from '../base/logger.js';
import { Tenfold } from '../base/tenfold.js';
import { MIN_TIMESTAMP, showTime } from '../base/timestamps.js';
import { shown } from './user-code.js';

export class Leap {
  /** Of this subtask. A record above it is to be shown to `rise`. */
  highest: number = MIN_TIMESTAMP;
  private readonly logger: Logger;
  private readonly leaps = new Tenfold();

  constructor(logger: Logger) {
    this.logger = logger;
  }

  rise(value: unknown, timestamp: number): void {
    const before = this.highest;
    this.highest = timestamp;
    if (timestamp - before > EVENT_TIME_LEAP_TOLD_MS) this.leapt(value, timestamp, before);
  }

  private leapt(value: unknown, timestamp: number, before: number): void {
    // The first record is ahead of nothing.
    if (before === MIN_TIMESTAMP || !this.leaps.step()) return;
    this.logger.warn(
      {
        leaps: this.leaps.count,
        record: shown(value),
        timestamp: showTime(timestamp),
        before: showTime(before),
      },
      'a record is more than 31 days ahead of all before it; the watermark follows it, and makes what comes behind it with earlier times late (advanceMaxMs bounds how far one record raises it)',
    );
  }
}
