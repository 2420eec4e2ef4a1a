// Every mutant can be planted, and every oracle has some to notice.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { MUTANTS } from '../../bench/mutants/catalog.js';
import { OUT_OF_REACH } from '../../bench/mutants/list-out-of-reach.js';
import { type Mutant, ORACLES } from '../../bench/mutants/mutant.js';
import { mutated, plant, ROOT } from '../../bench/mutants/plant.js';
import { type BatchResult, summaryOf, verdictOf } from '../../bench/mutants/verdict.js';

const MUTANTS_MIN = 40;
const MUTANTS_PER_ORACLE_MIN = 2;

function textOf(mutant: Mutant): string {
  return readFileSync(join(ROOT, mutant.file), 'utf8');
}

function sample(): Mutant {
  const [mutant] = MUTANTS;
  if (mutant === undefined) throw new Error('there are mutants');
  return mutant;
}

function syntaxErrors(text: string): readonly string[] {
  const { diagnostics = [] } = ts.transpileModule(text, {
    reportDiagnostics: true,
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
  });
  return diagnostics.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
}

describe('the list of mutants', () => {
  test('is long enough', () => {
    expect(MUTANTS.length).toBeGreaterThanOrEqual(MUTANTS_MIN);
  });

  test('names each mutant once, in words that a command line takes', () => {
    const names = [...MUTANTS, ...OUT_OF_REACH].map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^[a-z]+(-[a-z]+)*$/);
  });

  test('plants no bug twice', () => {
    const places = [...MUTANTS, ...OUT_OF_REACH].map(({ file, find, replace }) =>
      JSON.stringify([file, find, replace]),
    );
    expect(new Set(places).size).toBe(places.length);
  });

  test.each(ORACLES)('has mutants for oracle %s', (oracle) => {
    const expected = MUTANTS.filter(({ oracles }) => oracles.includes(oracle)).map(({ name }) => name);
    expect(expected.length).toBeGreaterThanOrEqual(MUTANTS_PER_ORACLE_MIN);
  });
});

describe.each([...MUTANTS, ...OUT_OF_REACH].map((mutant) => ({ name: mutant.name, mutant })))(
  'mutant $name',
  ({ mutant }) => {
    test('is a bug of the engine, at a place that is there exactly once', () => {
      expect(mutant.file).toMatch(/^(src|actors)\//);
      expect(textOf(mutant).split(mutant.find).length - 1).toBe(1);
      expect(mutant.replace).not.toBe(mutant.find);
      expect(mutant.oracles.length).toBeGreaterThan(0);
    });

    test('parses', () => {
      expect(syntaxErrors(mutated(mutant, textOf(mutant)))).toEqual([]);
    });
  },
);

test('a mutant is planted in a copy, and the sources stay as they are', () => {
  const mutant = sample();
  const before = textOf(mutant);
  const planted = plant(mutant);
  try {
    expect(readFileSync(join(planted.directory, mutant.file), 'utf8')).toBe(mutated(mutant, before));
    expect(textOf(mutant)).toBe(before);
  } finally {
    planted.remove();
  }
});

test('a mutant whose place has changed says so', () => {
  const mutant = sample();
  expect(() => mutated(mutant, 'other code')).toThrow('occurs 0 times');
});

describe('the verdict on a mutant', () => {
  const mutant: Mutant = { ...sample(), oracles: ['O1'] };
  const failure = { shape: 'chain', seed: 7, check: 'exactlyOnce', oracle: 'O1', message: '', token: 'c1' };

  const parts = { engine: { sums: { unchecked: 1 } } };

  function answered(seeds: number, failures: readonly (typeof failure)[]): BatchResult {
    return { kind: 'answered', answer: { seeds, failures, seedsPerMinute: 1, parts }, elapsedMs: 5 };
  }

  test('is killed when every batch of seeds has found it, after their mean', () => {
    const verdict = verdictOf(mutant, [answered(2, [failure]), answered(7, [{ ...failure, oracle: 'O7' }])]);
    expect(verdict).toMatchObject({
      outcome: 'killed',
      seedsToDetect: 4.5,
      noticedBy: ['O1', 'O7'],
      vacuous: 2,
    });
    expect(summaryOf([verdict])).toMatchObject({ killed: 1, mutants: 1, left: [], medianSeeds: 4.5 });
    expect(summaryOf([verdict]).kills).toMatchObject({ O1: 1, O7: 1, O2: 0 });
  });

  test('is survived when one batch has not', () => {
    const verdict = verdictOf(mutant, [answered(2, [failure]), answered(100, [])]);
    expect(verdict).toMatchObject({ outcome: 'survived', seedsToDetect: null });
  });

  test.each<BatchResult>([
    { kind: 'stuck', elapsedMs: 1 },
    { kind: 'broken', why: 'no report', elapsedMs: 1 },
  ])('is no kill when the simulation itself was $kind', (batch) => {
    const verdict = verdictOf(mutant, [batch]);
    expect(verdict.outcome).toBe(batch.kind);
    expect(summaryOf([verdict]).left).toEqual([`${mutant.name} (${batch.kind})`]);
  });
});

test('the command names what it would plant', () => {
  const script = ['--conditions=weir-source', '--import', 'tsx', 'bench/mutants/hunt.ts'];
  const { status, stdout } = spawnSync(process.execPath, [...script, '--list'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  expect(status).toBe(0);
  for (const { name, title } of MUTANTS) {
    expect(stdout).toContain(`${name} (`);
    expect(stdout).toContain(title);
  }
});
