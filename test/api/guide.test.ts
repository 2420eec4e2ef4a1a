// Every snippet of the guide compiles as a file of its own against the package.

import { expect, test } from 'vitest';
import { problemsOf, snippetsOf } from '../snippets.js';

/** Shows that the check can fail; the last snippet, so that the others keep their numbers. */
const WRONG = "import { defineJob } from 'weirjs';\ndefineJob('x', (env) => env.from([1]).sum());";

test('the snippets of the guide compile, and a wrong one does not', () => {
  const snippets = snippetsOf('docs/guide.md');
  expect(snippets.length).toBeGreaterThan(5);
  expect(problemsOf([...snippets, WRONG])).toEqual([
    `snippet ${snippets.length + 1}, line 2: Property 'sum' does not exist on type 'DataStream<number>'.`,
  ]);
});
