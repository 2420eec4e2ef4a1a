// Page hits per minute from an access log in the combined format: the job that meets real input.
//
// Owns:    reading a line of the log, the job.
// Not:     the truth to compare with (access-log-truth.mjs shares no code with this).

import { defineJob, type JobDefinition } from '../../src/api/define-job.js';
import { minutes } from '../../src/api/durations.js';
import { fileLines } from '../../src/connectors/file-lines.js';
import { fileSink } from '../../src/connectors/file-sink.js';
import { boundedOutOfOrderness } from '../../src/operators/watermark-generators.js';
import { count } from '../../src/operators/windows/aggregates.js';
import { tumbling } from '../../src/operators/windows/window-assigners.js';

export interface PageHitsOptions {
  readonly input: string;
  readonly output: string;
  /** Lines per second. Null: as fast as it goes. */
  readonly ratePerSecond: number | null;
  /** How far back in time a line may lie behind the newest before it. */
  readonly disorderMs: number;
}

export interface Hit {
  readonly path: string;
  readonly at: number;
}

const LINE = /^\S+ \S+ \S+ \[(\d+)\/(\w+)\/(\d+):(\d+):(\d+):(\d+) ([+-]\d\d)(\d\d)\] "[A-Z]+ (\S+)/;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** No hit for a line that is not a request. */
export function hitsOf(line: string): readonly Hit[] {
  const found = LINE.exec(line);
  if (found === null) return [];
  const [, day, month = '', year, hour, minute, second, zoneHours, zoneMinutes, path = ''] = found;
  const zone = (Number(zoneHours) * 60 + Math.sign(Number(zoneHours)) * Number(zoneMinutes)) * 60_000;
  const local = Date.UTC(
    Number(year),
    MONTHS.indexOf(month),
    Number(day),
    Number(hour),
    Number(minute),
    Number(second),
  );
  return [{ path, at: local - zone }];
}

export function pageHitsJob(options: PageHitsOptions): JobDefinition {
  const { input, output, ratePerSecond, disorderMs } = options;
  return defineJob('page-hits', (env) => {
    env
      .from(fileLines(input, ratePerSecond === null ? {} : { ratePerSecond }), { uid: 'log' })
      .flatMap(hitsOf)
      .assignTimestamps((hit) => hit.at, boundedOutOfOrderness(disorderMs))
      .keyBy((hit) => hit.path)
      .window(tumbling(minutes(1)))
      .aggregate(count(), (path, window, hits) => ({ path, minute: window.start, hits }))
      .uid('per-minute')
      .sinkTo(fileSink(output), { uid: 'hits' });
  });
}
