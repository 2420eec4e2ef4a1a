// A report, not a rule: long files and long functions are places to look and to think.

import ts from 'typescript';
import { isTest, lineOf, type Project, type SourceFile, walk } from './project.js';

export const FILE_LINES_MAX = 350;
export const FUNCTION_LINES_MAX = 60;

/** One line per file or function that is longer than it should be; longest first. */
export function lengthReport(project: Project): readonly string[] {
  const long = project.sources.flatMap((source) => [...longFile(source), ...longFunctions(source)]);
  return long.sort((a, b) => b.lines - a.lines).map((entry) => `${entry.place}: ${entry.lines} lines`);
}

interface Long {
  readonly place: string;
  readonly lines: number;
}

function longFile(source: SourceFile): Long[] {
  const lines = source.text.trimEnd().split('\n').length;
  return lines > FILE_LINES_MAX ? [{ place: source.path, lines }] : [];
}

// The functions that tests pass to `describe` and `test` tell stories; their length is the story's.
function longFunctions(source: SourceFile): Long[] {
  if (isTest(source.path)) return [];
  const found: Long[] = [];
  walk(source.tree, (node) => {
    if (!ts.isFunctionLike(node)) return;
    const first = lineOf(source, node);
    const last = source.tree.getLineAndCharacterOfPosition(node.getEnd()).line + 1;
    const lines = last - first + 1;
    if (lines > FUNCTION_LINES_MAX) found.push({ place: `${source.path}:${first} ${nameOf(node)}`, lines });
  });
  return found;
}

function nameOf(node: ts.SignatureDeclaration): string {
  const name = node.name ?? (ts.isVariableDeclaration(node.parent) ? node.parent.name : undefined);
  return name === undefined ? '(anonymous)' : name.getText();
}
