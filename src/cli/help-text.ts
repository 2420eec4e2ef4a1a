// What `weir --help` says.
//
// Owns:    the text for each command; the one place where options are explained to users of the command line.

export type HelpTopic = 'weir' | 'run' | 'explain' | 'savepoint' | 'chaos';

const WEIR = `weir: run stateful stream jobs that survive crashes

  weir run <job.ts|job.js>          run a job; run it again to go on where it stopped
  weir explain <job.ts|job.js>      show what would run, without running it
  weir savepoint info <directory>   show what is in a savepoint or checkpoint directory
  weir chaos explore <file>         test a scenario under random faults; also chaos run, replay, shrink
  weir <command> --help             options and examples
  weir --version

A job file exports its job as the default:

  import { defineJob, fileLines, print } from 'weirjs';

  export default defineJob('words', (env) => {
    env
      .from(fileLines('book.txt'))
      .flatMap((line) => line.split(' '))
      .map((word) => ({ word, count: 1 }))
      .keyBy((counted) => counted.word)
      .sum('count')
      .sinkTo(print());
  });

TypeScript files need tsx beside them (npm install --save-dev tsx), or a Node that runs TypeScript by itself.
`;

const RUN = `weir run <job.ts|job.js> [options]

Runs the job in this process until its input ends. Checkpoints are kept in a directory; the same command on the same
directory goes on from the newest one, after Ctrl-C as after a crash. Records that the job prints go to standard output,
everything about it to standard error.

  -p, --parallelism <n>         subtasks of every operator that does not say otherwise (1)
      --max-parallelism <n>     upper bound of any later parallelism, fixed by the first checkpoint (128 or more)
      --checkpoint-dir <dir>    where checkpoints are kept; belongs to one job (.weir/<job name>)
      --interval <duration>     between checkpoints, such as 500ms, 1s, 2min (10s)
      --no-checkpoint           keep nothing: a failure ends the job, and it starts from scratch each time
  -s, --from <savepoint>        start from this savepoint; the checkpoint directory must be empty
  -n, --allow-non-restored-state
                                leave state behind that no operator of the job claims any more
      --restarts <n>            give up after so many restarts (as often as it takes; a record that fails three times ends the job)
      --status-interval <duration>
                                between status lines; 0 for none (500ms on a terminal, 5s elsewhere)
      --json                    everything on standard error as one JSON object per line
      --verbose                 log more, and print stacks of errors

Ctrl-C     stops the job with a checkpoint from which the same command goes on
again      cancels it: nothing more is committed, its last checkpoint stays
once more  leaves at once, as a crash would
SIGTERM does the same as Ctrl-C.

Exit codes: 0 finished or stopped, 1 failed, 2 wrong command line or job description, 130 canceled.

Examples:
  weir run page-hits.ts
  weir run page-hits.ts --parallelism 4 --interval 1s
  weir run page-hits.ts --checkpoint-dir /var/lib/page-hits
  weir run page-hits.ts --checkpoint-dir .weir/wider --from savepoints/1 -p 8
  weir run page-hits.ts --json 2> progress.ndjson
`;

const EXPLAIN = `weir explain <job.ts|job.js> [options]

Shows what a run would do: which operators run together, how wide, how records travel between them, the uid under which each
keeps its state, and what each sink can rely on. Starts nothing.

  -p, --parallelism <n>         as for weir run
      --max-parallelism <n>     as for weir run
      --no-checkpoint           as for weir run
      --verbose                 print stacks of errors

Examples:
  weir explain page-hits.ts
  weir explain page-hits.ts -p 4
`;

const SAVEPOINT = `weir savepoint info <directory> [--json]

Reads a savepoint, or the newest intact checkpoint in the directory of a job, verifies every byte of it, and shows whose it
is, when it was taken, and the state of each operator. Changes nothing.

Examples:
  weir savepoint info savepoints/1
  weir savepoint info .weir/page-hits --json
`;

const CHAOS = `weir chaos run|explore <file> [options]
weir chaos replay|shrink <file> <token> [options]

Runs the scenarios that a file exports, in simulation: virtual time, a virtual disk, faults on purpose. The same seed does the
same on every machine. What a check finds is shrunk to the smallest plan that still shows it, with a token that replays it.

  run        once, with the faults of the scenario or of a plan
  explore    many seeds, each with a random plan of faults
  replay     one run again, with everything that happened in it
  shrink     one run again and again, with less and less

      --scenario <name>         only this one of several in the file
      --seed <n>                seed of the run; of the first run of explore (1)
      --seeds <n>               explore: number of runs (100; as many as fit where --time is given)
      --time <duration>         explore: begin no run after so long, such as 60s or 10min
      --max-faults <n>          explore: faults of one run, at most; 0: only those of the scenario (6)
      --plan <plan.json>        run, explore: these faults instead of those of the scenario
      --mode <mode>             run, explore: simulation, threads or processes (simulation)
      --jobs <n>                explore: in so many processes, each with its share of the seeds (1)
      --corpus <dir>            explore: failing plans are kept here and run first (.chaos); "none" for no directory
      --trace <out.json>        replay: write every event of the run to this file
      --json                    one JSON object on standard output, progress as JSON lines on standard error
      --verbose                 print stacks of errors

A file exports scenarios by name or as its default: export const orders = scenario({ ... }).

Exit codes: 0 every check held, 1 a check was violated, 2 wrong command line, plan, token or file.

Examples:
  weir chaos explore orders.chaos.ts --seeds 2000 --jobs 2
  weir chaos explore orders.chaos.ts --time 10min --max-faults 3
  weir chaos run orders.chaos.ts --seed 42 --plan .chaos/lost-order.json
  weir chaos replay orders.chaos.ts c1.42.9f3a --trace out.json
`;

const TEXTS: Readonly<Record<HelpTopic, string>> = {
  weir: WEIR,
  run: RUN,
  explain: EXPLAIN,
  savepoint: SAVEPOINT,
  chaos: CHAOS,
};

export function helpText(topic: HelpTopic): string {
  return TEXTS[topic];
}
