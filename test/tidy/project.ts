// The files of the project as the rules see them: path, text and, for TypeScript, the syntax tree.
//
// Owns:    parsing once, lines of positions, walking a tree.
// Not:     reading the disk (tidy.test.ts), so that every rule can be tried on a few lines of text.

import ts from 'typescript';

export interface ProjectFile {
  /** Relative to the project, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

export interface SourceFile extends ProjectFile {
  readonly tree: ts.SourceFile;
}

export interface Project {
  readonly files: readonly ProjectFile[];
  readonly sources: readonly SourceFile[];
  readonly paths: ReadonlySet<string>;
}

export function parseProject(files: readonly ProjectFile[]): Project {
  const sources = files.filter((file) => /\.(ts|mts)$/.test(file.path)).map(parse);
  return { files, sources, paths: new Set(files.map((file) => file.path)) };
}

/** Calls `visit` for every node below the root, parents first. */
export function walk(tree: ts.SourceFile, visit: (node: ts.Node) => void): void {
  const descend = (node: ts.Node): void => {
    visit(node);
    ts.forEachChild(node, descend);
  };
  ts.forEachChild(tree, descend);
}

export function lineOf(source: SourceFile, node: ts.Node): number {
  return source.tree.getLineAndCharacterOfPosition(node.getStart(source.tree)).line + 1;
}

/** True for what ships or what the engine is measured with; tests may do things that these may not. */
export function isEngine(path: string): boolean {
  return path.startsWith('src/') || path.startsWith('actors/');
}

export function isTest(path: string): boolean {
  return path.startsWith('test/');
}

/** The rules' own examples break the rules on purpose. */
export function isTidyItself(path: string): boolean {
  return path === 'test/tidy.test.ts' || path.startsWith('test/tidy/');
}

function parse(file: ProjectFile): SourceFile {
  const tree = ts.createSourceFile(file.path, file.text, ts.ScriptTarget.ES2022, true, ts.ScriptKind.TS);
  return { ...file, tree };
}
