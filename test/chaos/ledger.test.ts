// Every run of the ledger is good now.

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { subjectOf } from '../../bench/simulate/shape.js';
import { SHAPES } from '../../bench/simulate/shapes.js';
import { runOnce } from '../../src/chaos/explore.js';
import { parseReplayToken } from '../../src/chaos/replay-token.js';

const ledger = readFileSync(new URL('../../docs/chaos-ledger.md', import.meta.url), 'utf8');
const tokens = [...ledger.matchAll(/```token\n(\S+)\n```/g)].map(([, token = '']) => token);

test('the ledger has runs', () => {
  expect(tokens.length).toBeGreaterThanOrEqual(10);
});

test.each(tokens)('a bug that was found does not come back: %.24s', async (token) => {
  const { subject: name, spec } = parseReplayToken(token);
  const shape = SHAPES.find((each) => each.name === name);
  if (shape === undefined) throw new Error(`no shape is called ${name}`);
  const { outcome } = await runOnce(subjectOf(shape), { ...spec, trace: false }, { double: true });
  expect(outcome.violations).toEqual([]);
  // Some need no fault at all.
  if (spec.plan.faults.length > 0) expect(outcome.fired.length).toBeGreaterThan(0);
});
