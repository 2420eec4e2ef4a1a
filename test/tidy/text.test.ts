// The rules about comments, names, words and documents go red on a small bad example, and stay quiet beside it.

import { describe, expect, test } from 'vitest';
import { looksLikeCode } from './comments.js';
import { lengthReport } from './lengths.js';
import { parseProject } from './project.js';
import { findings, places } from './try-rule.js';

describe('comments: they explain what is there', () => {
  test.each(['// TODO mend', '/* FIXME */', 'const x = 1; // XXX', '* HACK around'])(
    'a promise is found: %s',
    (text) => {
      expect(places('promises', { 'src/a.ts': `\n${text}`, 'README.md': text })).toEqual([
        'README.md:1',
        'src/a.ts:2',
      ]);
    },
  );

  test.each([
    ' const x = 1;',
    ' return early(x);',
    ' if (x > 1) {',
    ' } else {',
    ' }',
    ' foo(bar);',
    ' this.count += 1;',
    " import { a } from './a.js';",
    ' await store.close();',
    ' for (const x of xs) {',
    ' task.run()',
  ])('code in a comment is found:%s', (text) => {
    expect(looksLikeCode(text)).toBe(true);
    expect(places('dead-code', { 'src/a.ts': `f();\n//${text}\ng();` })).toEqual(['src/a.ts:2']);
  });

  test.each([
    ' The store outlives attempts, so a task of a dead attempt can still reach it (P2).',
    ' return what is left;',
    ' Not:     retries; the caller decides (see A1);',
    ' A full mailbox answers false;',
    ' N1. Nothing here reads a clock (except the port).',
    ' encode(a) < encode(b) byte by byte exactly when a < b',
    ' promise.catch(() => {}) and promise.catch(() => undefined), both',
    ' if the store hangs, nothing ends;',
    '   const example = indented();',
    ' (channel, seq)',
    ' biome-ignore lint/x: reason (see above)',
    ' A1. x = y + z holds for all;',
  ])('prose is left alone:%s', (text) => {
    expect(looksLikeCode(text)).toBe(false);
  });

  test('code in strings and doc blocks is left alone', () => {
    const text =
      "/**\n * const x = f();\n */\nconst address = 'http://x';\nconst s = '// f();';\nconst t = `\n// f();\n`;";
    expect(findings('dead-code', { 'src/a.ts': text })).toEqual([]);
  });
});

describe('names and words: the project speaks of itself', () => {
  test.each([
    'src/base/utils.ts',
    'src/base/string-utils.ts',
    'actors/helpers.ts',
    'src/task/common.ts',
    'src/task/task-manager.ts',
    'bench/misc.ts',
    'src/api/types.ts',
    'src/api/index.ts',
    'test/helpers/a.ts',
    'test/utils.test.ts',
  ])('%s names no concept', (path) => {
    expect(places('names', { [path]: '' })).toEqual([`${path}:1`]);
  });

  test('roofs and concepts are good names', () => {
    const texts = {
      'src/index.ts': '',
      'actors/index.ts': '',
      'src/testing/index.ts': '',
      'src/state/index-of-keys.ts': '',
    };
    expect(findings('names', texts)).toEqual([]);
  });

  test.each(["open('/work/x')", '`/tmp/weir-1`', 'see /home/me/notes', 'cd /Users/me', '--dir /tmp'])(
    '%s is a path of one machine',
    (text) => {
      expect(places('words', { 'src/a.ts': `\n${text}` })).toEqual(['src/a.ts:2']);
      expect(places('words', { 'docs/a.md': text })).toEqual(['docs/a.md:1']);
    },
  );

  test('relative paths and addresses are left alone', () => {
    const text =
      'https://example.org/work/x src/tmp/x ./tmp/x a/work b/home/x $HOME/tmp work/tmp /tmpfs /workers';
    expect(findings('words', { 'src/a.ts': text })).toEqual([]);
  });

  test('the folder of real input may be named where it is read, nowhere else', () => {
    const text = "read('../shared/data/access.log')";
    const texts = {
      'src/a.ts': text,
      'README.md': text,
      'test/a.test.ts': text,
      'bench/proof/a.ts': text,
      '.ci/run': text,
    };
    expect(places('words', texts)).toEqual(['README.md:1', 'src/a.ts:1']);
  });
});

describe('documents: what they name is there', () => {
  test('a path or link that does not exist is found', () => {
    const texts = {
      'ARCHITECTURE.md': 'See `src/task/gone.ts`, src/task/here.ts and [x](docs/gone.md).\n',
      'docs/guide.md': '[up](../README.md) and [here](guide.md#part) and `examples/none.ts`',
      'README.md': 'node examples/*.ts, `src/task/`, test/tidy*, bench/*.ts, https://x.org/src/none.ts',
      'src/task/here.ts': '',
      'examples/a.ts': '',
      'test/tidy.test.ts': '',
    };
    expect(findings('documents', texts).map((finding) => `${finding.file} ${finding.message}`)).toEqual([
      'ARCHITECTURE.md src/task/gone.ts does not exist.',
      'ARCHITECTURE.md docs/gone.md does not exist.',
      'README.md bench/*.ts does not exist.',
      'docs/guide.md examples/none.ts does not exist.',
    ]);
  });
});

describe('lengths: a report', () => {
  test('long files and functions are listed, longest first', () => {
    const body = Array.from({ length: 70 }, (_, line) => `  f(${line});`).join('\n');
    const long = Array.from({ length: 400 }, () => 'f();').join('\n');
    const files = [
      {
        path: 'src/a.ts',
        text: `export function big(): void {\n${body}\n}\nconst also = () => {\n${body}\n};`,
      },
      { path: 'src/b.ts', text: long },
      { path: 'test/c.test.ts', text: `test('x', () => {\n${body}\n});` },
    ];
    expect(lengthReport(parseProject(files))).toEqual([
      'src/b.ts: 400 lines',
      'src/a.ts:1 big: 72 lines',
      'src/a.ts:73 also: 72 lines',
    ]);
  });
});
