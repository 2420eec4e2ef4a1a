// Every snippet of the README compiles as a file of its own against the package.

import { expect, test } from 'vitest';
import { problemsOf, snippetsOf } from './snippets.js';

/** Shows that the check can fail. */
const WRONG = "import { defineJob } from 'weirjs';\ndefineJob('x', (env) => env.from([1]).keyBy(1));";

test('the snippets of the README compile, and a wrong one does not', () => {
  const snippets = snippetsOf('README.md');
  expect(snippets.length).toBeGreaterThan(5);
  expect(problemsOf([...snippets, WRONG])).toEqual([
    expect.stringMatching(
      new RegExp(`^snippet ${snippets.length + 1}, line 2: .*number.* is not assignable`),
    ),
  ]);
});
