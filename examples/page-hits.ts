// Page hits per minute from an access log: event time, out-of-order lines, windows.
//
//   npx tsx examples/page-hits.ts [access.log]      without a path it writes a small log of its own first

import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  boundedOutOfOrderness,
  count,
  defineJob,
  type FileLinesOptions,
  fileLines,
  type JobDefinition,
  minutes,
  print,
  run,
  type Sink,
  seconds,
  tumbling,
} from 'weirjs';

interface Hit {
  readonly path: string;
  readonly at: number;
}

/** `12:07 /index.html 3` */
export type PageHits = string;

/** The format of nginx and Apache: `host - - [17/May/2015:10:05:03 +0000] "GET /index.html HTTP/1.1" 200 512`. */
const LINE = /\[(\d+)\/(\w+)\/(\d+):(\S+) ([+-]\d{4})\] "[A-Z]+ (\S+)/;

/** Lines that are no requests yield nothing. */
function* parseHit(line: string): Iterable<Hit> {
  const [, day, month, year, time, zone, path] = LINE.exec(line) ?? [];
  if (path !== undefined) yield { path, at: Date.parse(`${day} ${month} ${year} ${time} ${zone}`) };
}

export function pageHits(log: string, out: Sink<PageHits>, options: FileLinesOptions = {}): JobDefinition {
  return defineJob('page-hits', (env) => {
    env
      .from(fileLines(log, options), { uid: 'log' })
      .flatMap(parseHit)
      // Servers write a line when the answer is sent, so a slow request stands behind faster ones that came later.
      .assignTimestamps((hit) => hit.at, boundedOutOfOrderness(seconds(30)))
      .keyBy((hit) => hit.path)
      .window(tumbling(minutes(1)))
      .aggregate(
        count(),
        (path, window, hits) => `${new Date(window.start).toISOString().slice(11, 16)} ${path} ${hits}`,
      )
      .uid('per minute')
      .sinkTo(out, { uid: 'out' });
  });
}

/** A request every three seconds, each 20 seconds late now and then; the same lines every time. */
export function sampleLog(lines: number): string {
  const pages = ['/', '/guide', '/', '/api', '/guide', '/', '/about'];
  const line = (index: number): string => {
    const lateMs = index % 8 === 0 ? seconds(20) : 0;
    const at = new Date(Date.UTC(2026, 0, 5, 12) + seconds(60 + 3 * index) - lateMs);
    const [, day, month, year, time] = at.toUTCString().split(' ');
    const page = pages[(index * 5) % pages.length];
    return `10.0.0.${index % 9} - - [${day}/${month}/${year}:${time} +0000] "GET ${page} HTTP/1.1" 200 512\n`;
  };
  return Array.from({ length: lines }, (_, index) => line(index)).join('');
}

if (import.meta.filename === process.argv[1]) {
  const sample = join(mkdtempSync(join(tmpdir(), 'weir-page-hits-')), 'access.log');
  if (process.argv[2] === undefined) writeFileSync(sample, sampleLog(60));
  const handle = await run(pageHits(process.argv[2] ?? sample, print()));
  await handle.finished;
}
