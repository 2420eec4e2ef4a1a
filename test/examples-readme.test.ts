// Every snippet of the README compiles as a file of its own against the package.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../', import.meta.url));

/** Shows that the check can fail. */
const WRONG = "import { defineJob } from 'weirjs';\ndefineJob('x', (env) => env.from([1]).keyBy(1));";

test('the snippets of the README compile, and a wrong one does not', () => {
  const readme = readFileSync(`${root}README.md`, 'utf8');
  const snippets = [...readme.matchAll(/```ts\n(.*?)```/gs)].map((match) => match[1] ?? '');
  expect(snippets.length).toBeGreaterThan(5);
  expect(problemsOf([...snippets, WRONG])).toEqual([
    expect.stringMatching(
      new RegExp(`^snippet ${snippets.length + 1}, line 2: .*number.* is not assignable`),
    ),
  ]);
});

function problemsOf(snippets: readonly string[]): readonly string[] {
  const config = ts.readConfigFile(`${root}tsconfig.json`, (path) => readFileSync(path, 'utf8'));
  const { options } = ts.parseJsonConfigFileContent(config.config, ts.sys, root);
  const files = new Map(snippets.map((text, index) => [`${root}readme-${index + 1}.ts`, text]));
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (path) => files.has(path) || fileExists(path);
  host.readFile = (path) => files.get(path) ?? readFile(path);
  host.getSourceFile = (path, ...rest) => {
    const text = files.get(path);
    return text === undefined
      ? getSourceFile(path, ...rest)
      : ts.createSourceFile(path, text, ts.ScriptTarget.ES2022);
  };
  // A snippet is no module of the package: nobody reads its declarations.
  const program = ts.createProgram(
    [...files.keys()],
    { ...options, isolatedDeclarations: false, declaration: false, noEmit: true },
    host,
  );
  return [...files.keys()].flatMap((path, index) => {
    const file = program.getSourceFile(path);
    const found = [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)];
    return found.map((problem) => {
      const line = problem.file?.getLineAndCharacterOfPosition(problem.start ?? 0).line ?? 0;
      return `snippet ${index + 1}, line ${line + 1}: ${ts.flattenDiagnosticMessageText(problem.messageText, ' ')}`;
    });
  });
}
