// Session windows: a visit ends when nothing was clicked for half an hour.
//
//   npx tsx examples/sessions.ts

import {
  boundedOutOfOrderness,
  defineJob,
  type JobDefinition,
  minutes,
  type ProcessContext,
  print,
  run,
  type Sink,
  session,
} from 'weirjs';

interface Click {
  readonly visitor: string;
  readonly page: string;
  readonly minute: number;
}

const CLICKS: readonly Click[] = [
  { visitor: 'ann', page: 'home', minute: 0 },
  { visitor: 'bob', page: 'home', minute: 3 },
  { visitor: 'ann', page: 'shoes', minute: 20 },
  { visitor: 'bob', page: 'hats', minute: 25 },
  { visitor: 'ann', page: 'cart', minute: 65 },
  // This one came late. It lies between two visits of Ann, each less than half an hour away: all become one.
  { visitor: 'ann', page: 'boots', minute: 40 },
  { visitor: 'bob', page: 'home', minute: 130 },
];

export function visits(out: Sink<string>): JobDefinition {
  return defineJob('visits', (env) => {
    env
      .from(CLICKS, { uid: 'clicks' })
      .assignTimestamps((click) => minutes(click.minute), boundedOutOfOrderness(minutes(30)))
      .keyBy((click) => click.visitor)
      .window(session(minutes(30)))
      .process((visitor, window, clicks, context: ProcessContext<string>) => {
        const pages = [...clicks].sort((a, b) => a.minute - b.minute).map((click) => click.page);
        // The window reaches half an hour beyond the last click.
        const length = (window.end - window.start) / minutes(1) - 30;
        context.emit(`${visitor} stayed ${length} minutes: ${pages.join(', ')}`);
      })
      .uid('visits')
      .sinkTo(out, { uid: 'out' });
  });
}

const job: JobDefinition = visits(print());
export default job;

if (import.meta.filename === process.argv[1]) await (await run(job)).finished;
