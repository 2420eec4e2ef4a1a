// Prints where an operator was declared and where its function threw, as errors of the installed package say it.

import { defineJob, run, type UserCodeError } from 'weirjs';

/** Gone from what is compiled: lines of the source and of the output differ. */
interface Reading {
  readonly at: number;
  readonly value: string;
}

const job = defineJob('places', (env) => {
  env
    .from<Reading>([{ at: 1, value: 'x' }])
    .map((reading): number => {
      throw new Error(`cannot read ${reading.value}`);
    })
    .print();
});

export async function places(): Promise<string> {
  const handle = await run(job);
  const failure = await handle.finished.then(
    () => null,
    (error: { readonly cause: UserCodeError }) => error.cause,
  );
  const thrown = failure?.cause instanceof Error ? failure.cause.stack?.split('\n')[1]?.trim() : undefined;
  return `declared ${failure?.declaredAt} threw ${thrown}`;
}
