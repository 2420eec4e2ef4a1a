// What a file imports, and which file of the project is meant.
//
// Owns:    every way to name another module: import, export from, import(), import types, new URL(..., import.meta.url).
// Not:     which imports are allowed (layers.ts, packages.ts).
//
// I1. An `import { type A }` is a value import: with verbatimModuleSyntax the module still runs.

import { posix } from 'node:path';
import ts from 'typescript';
import { lineOf, type SourceFile, walk } from './project.js';

/** `value` runs the module before the importer; `type` never does; `lazy` may later. */
export type ImportKind = 'value' | 'type' | 'lazy';

export interface Import {
  readonly specifier: string;
  readonly kind: ImportKind;
  readonly line: number;
}

export function importsOf(source: SourceFile): readonly Import[] {
  const found: Import[] = [];
  walk(source.tree, (node) => {
    const named = namedModule(node);
    if (named !== null) found.push({ ...named, line: lineOf(source, node) });
  });
  return found;
}

const PACKAGE_ROOFS: ReadonlyMap<string, string> = new Map([
  ['weirjs', 'src/index.ts'],
  ['weirjs/actors', 'actors/index.ts'],
  ['weirjs/testing', 'src/testing/index.ts'],
]);

/** The file of the project that `specifier` names when written in `from`; null for packages and for what is not there. */
export function resolveImport(from: string, specifier: string, paths: ReadonlySet<string>): string | null {
  const roof = PACKAGE_ROOFS.get(specifier);
  if (roof !== undefined) return roof;
  if (!specifier.startsWith('.')) return null;
  const path = posix.join(posix.dirname(from), specifier);
  for (const candidate of [path, path.replace(/\.js$/, '.ts'), path.replace(/\.mjs$/, '.mts')]) {
    if (paths.has(candidate)) return candidate;
  }
  return null;
}

function namedModule(node: ts.Node): Omit<Import, 'line'> | null {
  if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
    const typeOnly = node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword;
    return { specifier: node.moduleSpecifier.text, kind: typeOnly ? 'type' : 'value' };
  }
  if (
    ts.isExportDeclaration(node) &&
    node.moduleSpecifier !== undefined &&
    ts.isStringLiteral(node.moduleSpecifier)
  ) {
    return { specifier: node.moduleSpecifier.text, kind: node.isTypeOnly ? 'type' : 'value' };
  }
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
    const literal = node.argument.literal;
    return ts.isStringLiteral(literal) ? { specifier: literal.text, kind: 'type' } : null;
  }
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    return lazy(node.arguments[0]);
  }
  if (ts.isCallExpression(node) && ts.isIdentifier(node.expression) && node.expression.text === 'require') {
    return lazy(node.arguments[0]);
  }
  if (ts.isNewExpression(node) && ts.isIdentifier(node.expression) && node.expression.text === 'URL') {
    const [path, base] = node.arguments ?? [];
    return base?.getText() === 'import.meta.url' ? lazy(path) : null;
  }
  return null;
}

function lazy(argument: ts.Expression | undefined): Omit<Import, 'line'> | null {
  if (argument === undefined || !ts.isStringLiteralLike(argument)) return null;
  return { specifier: argument.text, kind: 'lazy' };
}
