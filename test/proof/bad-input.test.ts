// Every kind of wrong input gets an error of its own: what is wrong, where, and what to do.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BAD_INPUTS } from '../../bench/proof/bad-input-cases.js';
import { checkBadInput } from '../../bench/proof/bad-input-check.js';

let scratch = '';

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'weir-bad-input-'));
});

afterAll(() => {
  rmSync(scratch, { recursive: true, force: true });
});

test.each(BAD_INPUTS.map((input, index) => [input.name, input, index] as const))(
  '%s',
  async (_name, input, index) => {
    const { seen, problems } = await checkBadInput(input, join(scratch, `case-${index}`));
    expect(problems, seen).toEqual([]);
  },
);
