// What docs/chaos.md and the README say of fault injection is true: snippets compile, the table is complete, reports are as shown.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test, vi } from 'vitest';
import { hasty } from '../../examples/money-transfer/scenarios.js';
import { FAULT_KINDS, ViolationError } from '../../src/chaos/index.js';
import { PROTOCOL_STEPS } from '../../src/task/effect.js';
import { problemsOf, snippetsOf } from '../snippets.js';
import { faultTable } from './fault-table.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const page = readFileSync(`${root}docs/chaos.md`, 'utf8');
/** Shows that the check can fail; the last snippet, so that the others keep their numbers. */
const WRONG = "import { fault } from 'weirjs/chaos';\nfault.actor('till').explodes();";

afterEach(() => vi.unstubAllEnvs());

test('the snippets of the page compile, and a wrong one does not', () => {
  const snippets = snippetsOf('docs/chaos.md');
  expect(snippets.length).toBeGreaterThan(4);
  expect(problemsOf([...snippets, WRONG])).toEqual([
    expect.stringMatching(`^snippet ${snippets.length + 1}, line 2: Property 'explodes' does not exist`),
  ]);
});

test('the table of the page has every kind of fault, as the code knows it', () => {
  const table = between('<!-- faults: made by test/chaos/fault-table.ts -->', '<!-- end of faults -->');
  expect(table).toEqual(faultTable());
  expect(table).toHaveLength(FAULT_KINDS.size + 2);
  expect(page).toContain(`each of the ${PROTOCOL_STEPS.length} steps`);
});

test('the report of the page is what the example prints', async () => {
  vi.stubEnv('PWD', root.replace(/\/$/, ''));
  const error: unknown = await hasty.explore({ seeds: 1_000 }).then(
    () => null,
    (reason: unknown) => reason,
  );
  const report = error instanceof ViolationError ? error.message.split('\n') : [];
  const shown = between('<!-- report: kept true by test/chaos/pages.test.ts -->', '<!-- end of report -->');
  expect(shown.slice(1, -1).map(timeless)).toEqual(report.map(timeless));
});

function between(from: string, to: string): readonly string[] {
  const text = page.slice(page.indexOf(from) + from.length, page.indexOf(to));
  return text.trim().split('\n');
}

/** Real time and the token are others on every machine and in every version. */
function timeless(line: string): string {
  return line.replace(/c1\.\S+/, 'c1').replace(/(in \d+ runs?), [^:]+:/, '$1:');
}
