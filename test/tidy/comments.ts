// Comments that promise instead of explaining, or that keep code that no longer runs.
//
// Owns:    telling prose from code inside `//` lines.
// Not:     doc blocks, where code is an example, and `//` lines indented by three and more, where it is one too.
//
// M1. A line is code when it ends as a statement does, has a form of code, and parses. Prose does not do all three.

import ts from 'typescript';
import type { Finding } from './finding.js';
import { isTidyItself, type Project, type ProjectFile, type SourceFile } from './project.js';

const PROMISE = /\b(TODO|FIXME|XXX|HACK)\b/;
const TEXT_FILE = /\.(ts|mts|js|mjs|json|md|yml|yaml|sh)$|^\.ci\//;
const STATEMENT_END = /[;{}]$|\)$/;
const CODE_FORMS: readonly RegExp[] = [
  /\w\(.*\)/,
  /^\w[\w.[\]]*\s*[-+*/]?=[^=>]/,
  /^(const|let|var|import|export|return|throw|await|type|interface|class)\b.*;$/,
  /^(if|for|while|switch) \(.*[{;]$/,
  /^\}\s*(else|catch|finally)\b/,
  /^[})\]]+;?$/,
];

export function checkComments(project: Project): readonly Finding[] {
  return [
    ...project.files
      .filter((file) => TEXT_FILE.test(file.path) && !isTidyItself(file.path))
      .flatMap(promises),
    ...project.sources.filter((source) => !isTidyItself(source.path)).flatMap(deadCode),
  ];
}

function promises(file: ProjectFile): Finding[] {
  return file.text.split('\n').flatMap((text, index) => {
    const word = PROMISE.exec(text)?.[1];
    if (word === undefined) return [];
    const message = `${word}: a promise in the sources is kept by nobody.`;
    return [
      {
        file: file.path,
        line: index + 1,
        rule: 'promises',
        message,
        remedy: 'Do it now, or write it where work is planned.',
      },
    ];
  });
}

function deadCode(source: SourceFile): Finding[] {
  return lineComments(source)
    .filter((comment) => looksLikeCode(comment.text))
    .map((comment) => ({
      file: source.path,
      line: comment.line,
      rule: 'dead-code',
      message: `Code in a comment: ${comment.text.trim().slice(0, 60)}`,
      remedy: 'Remove it; the history keeps it.',
    }));
}

export function looksLikeCode(comment: string): boolean {
  if (/^\s{3}/.test(comment)) return false;
  const text = comment.trim();
  if (!STATEMENT_END.test(text) || !CODE_FORMS.some((form) => form.test(text))) return false;
  // A line is often a piece of a statement: its braces open or close elsewhere.
  return [text, `${text} }`, `{ ${text}`, `if (0) { ${text} }`].some(parses);
}

function parses(text: string): boolean {
  const { diagnostics = [] } = ts.transpileModule(text, {
    reportDiagnostics: true,
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
  });
  return diagnostics.length === 0;
}

interface LineComment {
  readonly line: number;
  readonly text: string;
}

// The scanner, not a pattern: `//` also stands inside strings and addresses.
function lineComments(source: SourceFile): LineComment[] {
  const found: LineComment[] = [];
  const seen = new Set<number>();
  const collect = (position: number): void => {
    for (const range of ts.getLeadingCommentRanges(source.text, position) ?? []) {
      if (range.kind !== ts.SyntaxKind.SingleLineCommentTrivia || seen.has(range.pos)) continue;
      seen.add(range.pos);
      const line = source.tree.getLineAndCharacterOfPosition(range.pos).line + 1;
      found.push({ line, text: source.text.slice(range.pos + 2, range.end) });
    }
  };
  const descend = (node: ts.Node): void => {
    collect(node.getFullStart());
    for (const child of node.getChildren(source.tree)) descend(child);
  };
  descend(source.tree);
  return found;
}
