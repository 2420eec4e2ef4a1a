// The TypeScript snippets of a page of documentation, compiled as files of their own against the package.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = fileURLToPath(new URL('../', import.meta.url));

/** `page`: path from the top of the project. */
export function snippetsOf(page: string): readonly string[] {
  const text = readFileSync(`${root}${page}`, 'utf8');
  return [...text.matchAll(/```ts\n(.*?)```/gs)].map((match) => match[1] ?? '');
}

/** `snippet n, line m: message`, counted from 1. */
export function problemsOf(snippets: readonly string[]): string[] {
  const config = ts.readConfigFile(`${root}tsconfig.json`, (path) => readFileSync(path, 'utf8'));
  const { options } = ts.parseJsonConfigFileContent(config.config, ts.sys, root);
  const files = new Map(snippets.map((text, index) => [`${root}snippet-${index + 1}.ts`, text]));
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
  const snippetOptions = { ...options, isolatedDeclarations: false, declaration: false, noEmit: true };
  const program = ts.createProgram([...files.keys()], snippetOptions, host);
  return [...files.keys()].flatMap((path, index) => {
    const file = program.getSourceFile(path);
    return [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)].map(
      (problem) => {
        const line = problem.file?.getLineAndCharacterOfPosition(problem.start ?? 0).line ?? 0;
        return `snippet ${index + 1}, line ${line + 1}: ${ts.flattenDiagnosticMessageText(problem.messageText, ' ')}`;
      },
    );
  });
}
