// The rules about code go red on a small bad example, and stay quiet on the good one beside it.

import { describe, expect, test } from 'vitest';
import { showFinding } from './finding.js';
import { findings, places } from './try-rule.js';

describe('runtime port: nondeterminism has one door', () => {
  test.each([
    'Date.now();',
    'new Date();',
    'new Date;',
    'Date();',
    'performance.now();',
    'setTimeout(f, 1);',
    'setInterval(f, 1);',
    'setImmediate(f);',
    'queueMicrotask(f);',
    'globalThis.setTimeout(f, 1);',
    'const later = setTimeout;',
    'const clock = { now: Date.now };',
    'Math.random();',
    'crypto.randomUUID();',
    'process.env;',
    'process.hrtime.bigint();',
    'process.nextTick(f);',
    "fetch('http://localhost');",
    'AbortSignal.timeout(5);',
    'Atomics.wait(a, 0, 0, 5);',
    "import { readFile } from 'node:fs/promises';",
    "import { connect } from 'net';",
    "import { setTimeout as sleep } from 'node:timers/promises';",
    "const os = await import('node:os');",
    "export { randomUUID } from 'node:crypto';",
  ])('%s is found in the engine', (text) => {
    expect(places('runtime-port', { 'src/task/a.ts': text })).toContain('src/task/a.ts:1');
    expect(places('runtime-port', { 'actors/job.ts': text })).toContain('actors/job.ts:1');
  });

  test('what only looks like it is not', () => {
    const text = [
      'new Date(5); Date.UTC(2020, 1); runtime.clock.now(); task.process(x);',
      'const options = { performance: 1, process: { fetch: 2 } };',
      'interface Port { setTimeout(ms: number): void; process: string }',
      'function run(fetch: () => void, { crypto }: Options) { fetch(); crypto.x; }',
      'class Machine { process(): void {} fetch = 1 }',
      "import type { Stats } from 'node:fs';",
      "import { isAscii } from 'node:buffer'; import { join } from 'node:path';",
      "const text = 'Date.now()'; // Date.now() is elsewhere",
      'let handle: NodeJS.Timeout;',
    ].join('\n');
    expect(places('runtime-port', { 'src/task/a.ts': text })).toEqual([]);
  });

  test('the files that bind the port, tests and benches are free', () => {
    const text = "import 'node:fs'; Date.now();";
    const texts = {
      'src/base/node-files.ts': text,
      'src/base/lmdb-key-values.ts': text,
      'test/a.ts': text,
      'bench/a.ts': text,
    };
    expect(findings('runtime-port', texts)).toEqual([]);
  });

  test('the command has the process, the test kit has modules, neither has a clock', () => {
    const text = "import 'node:child_process'; process.exit(1);\nDate.now();";
    expect(places('runtime-port', { 'src/cli/weir.ts': text })).toEqual(['src/cli/weir.ts:2']);
    expect(
      places('runtime-port', { 'src/testing/kill.ts': "import 'node:child_process';\nDate.now();" }),
    ).toEqual(['src/testing/kill.ts:2']);
  });
});

describe('code: what is never right', () => {
  test.each([
    'try { f(); } catch {}',
    'try { f(); } catch (error) { }',
    'p.catch(() => {});',
    'p.catch(() => undefined);',
  ])('empty catch: %s', (text) => {
    expect(places('empty-catch', { 'src/task/a.ts': `// Header.\nf();\n${text}` })).toEqual([
      'src/task/a.ts:3',
    ]);
    expect(places('empty-catch', { 'test/a.ts': text })).toEqual(['test/a.ts:1']);
  });

  test('a catch that handles, or says why there is nothing to do, is allowed', () => {
    const text = [
      'try { f(); } catch { g(); }',
      'try { f(); } catch {\n // The file is gone, which is what was wanted.\n}',
      'p.catch((error) => report(error));',
      '// Whoever polled has seen the failure.\nawait p?.catch(() => undefined);',
      'p.catch(() => {\n // The race was lost; the winner has reported.\n});',
    ].join('\n');
    expect(findings('empty-catch', { 'src/task/a.ts': text })).toEqual([]);
  });

  test('any and double assertions are found outside tests', () => {
    const text =
      'let a: any;\nconst b = x as unknown as Y;\nconst c = (x as unknown) as Y;\nconst d: any[] = [];';
    expect(places('any', { 'src/task/a.ts': text, 'test/a.ts': text })).toEqual([
      'src/task/a.ts:1',
      'src/task/a.ts:4',
    ]);
    expect(places('as-unknown-as', { 'bench/a.ts': text, 'test/a.ts': text })).toEqual([
      'bench/a.ts:2',
      'bench/a.ts:3',
    ]);
  });

  test.each([
    'export default 1;',
    'export default function f() {}',
    'export default class {}',
    'export { x as default };',
  ])('default export: %s', (text) => {
    expect(places('default-export', { 'src/task/a.ts': text })).toEqual(['src/task/a.ts:1']);
    expect(places('default-export', { 'test/a.ts': text })).toEqual(['test/a.ts:1']);
  });

  test('a job and a config have a default export', () => {
    const job = "import { defineJob } from 'weirjs'; export default defineJob('x', () => undefined);";
    const texts = { 'examples/a.ts': job, 'test/jobs/a.ts': job, 'vitest.config.ts': 'export default {};' };
    expect(findings('default-export', texts)).toEqual([]);
    expect(places('default-export', { 'src/api/a.ts': job })).toEqual(['src/api/a.ts:1']);
  });

  test('a file of the engine opens with what it owns', () => {
    expect(places('header', { 'src/task/a.ts': 'export const x = 1;' })).toEqual(['src/task/a.ts:1']);
    expect(
      findings('header', {
        'src/cli/weir.ts': '#!/usr/bin/env node\n// The command.\n',
        'src/a.ts': '/** A. */',
      }),
    ).toEqual([]);
  });
});

test('a finding names file, line, rule, and what to do', () => {
  const shown = findings('any', { 'src/a.ts': '\nlet a: any;' }).map(showFinding);
  expect(shown).toEqual([
    'src/a.ts:2  [any] `any` switches the checker off for everything it touches. Write the type, or `unknown` and narrow it.',
  ]);
});
