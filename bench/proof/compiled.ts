// Plain JavaScript of the engine and the proofs, so that a process that lives for 300 ms does not spend them compiling.
//
// Owns:    one translation per run of a proof, file by file, into a directory that can be thrown away.
// Not:     checking types (npm run types), what is shipped (npm run build).

import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const ROOT: string = fileURLToPath(new URL('../../', import.meta.url));
const FOLDERS: readonly string[] = ['src', 'actors', 'bench/proof'];

/** Translates into `target`; answers a function from the path of a source below the project to its translation. */
export function compile(target: string): (source: string) => string {
  for (const folder of FOLDERS) {
    for (const source of sourcesIn(join(ROOT, folder))) {
      const path = join(target, relative(ROOT, source).replace(/\.ts$/, '.js'));
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, translate(readFileSync(source, 'utf8')));
    }
  }
  writeFileSync(join(target, 'package.json'), '{ "type": "module" }\n');
  symlinkSync(join(ROOT, 'node_modules'), join(target, 'node_modules'));
  return (source) => join(target, source.replace(/\.ts$/, '.js'));
}

function sourcesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name));
}

function translate(text: string): string {
  const compilerOptions = {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    verbatimModuleSyntax: true,
  };
  return ts.transpileModule(text, { compilerOptions }).outputText;
}
