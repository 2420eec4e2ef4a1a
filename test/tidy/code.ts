// What is never right inside a file: swallowed errors, holes in the types, exports without a name, a file without a purpose.

import ts from 'typescript';
import type { Finding } from './finding.js';
import { isEngine, isTest, lineOf, type Project, type SourceFile, walk } from './project.js';

type Breach = Pick<Finding, 'rule' | 'message' | 'remedy'>;

const EMPTY_CATCH: Breach = {
  rule: 'empty-catch',
  message: 'An error is swallowed without a word.',
  remedy: 'Handle it, rethrow it wrapped, or write a comment inside that says why nothing is to be done.',
};
const ANY: Breach = {
  rule: 'any',
  message: '`any` switches the checker off for everything it touches.',
  remedy: 'Write the type, or `unknown` and narrow it.',
};
const AS_UNKNOWN_AS: Breach = {
  rule: 'as-unknown-as',
  message: '`as unknown as` claims a type that the checker has refused.',
  remedy: 'Narrow with a check, or mend the types of what is passed.',
};
const DEFAULT_EXPORT: Breach = {
  rule: 'default-export',
  message: 'A default export has no name of its own; only a job file has one.',
  remedy: 'Export it by name.',
};
const NO_HEADER: Breach = {
  rule: 'header',
  message: 'The file does not say what it owns.',
  remedy: 'Open it with a comment: what it owns, what it does not, its invariants.',
};

export function checkCode(project: Project): readonly Finding[] {
  return project.sources.flatMap((source) => {
    const found: Finding[] = [];
    if (isEngine(source.path) && !opensWithComment(source.text)) {
      found.push({ file: source.path, line: 1, ...NO_HEADER });
    }
    walk(source.tree, (node) => {
      const breach = breachAt(source, node);
      if (breach !== null) found.push({ file: source.path, line: lineOf(source, node), ...breach });
    });
    return found;
  });
}

function breachAt(source: SourceFile, node: ts.Node): Breach | null {
  if (ts.isCatchClause(node)) return isSilent(source, node.block) ? EMPTY_CATCH : null;
  if (ts.isCallExpression(node)) return isSwallowingCatch(source, node) ? EMPTY_CATCH : null;
  if (isDefaultExport(node)) return mayExportDefault(source) ? null : DEFAULT_EXPORT;
  if (isTest(source.path)) return null;
  if (node.kind === ts.SyntaxKind.AnyKeyword) return ANY;
  return isDoubleAssertion(node) ? AS_UNKNOWN_AS : null;
}

function isSilent(source: SourceFile, block: ts.Block): boolean {
  if (block.statements.length > 0) return false;
  return !/\/[/*]\s*\S/.test(block.getText(source.tree));
}

// promise.catch(() => {}) and promise.catch(() => undefined), unless a comment in or above the statement says why.
function isSwallowingCatch(source: SourceFile, call: ts.CallExpression): boolean {
  const handler = call.arguments[0];
  if (!ts.isPropertyAccessExpression(call.expression) || call.expression.name.text !== 'catch') return false;
  if (handler === undefined || !(ts.isArrowFunction(handler) || ts.isFunctionExpression(handler)))
    return false;
  const silent = ts.isBlock(handler.body)
    ? isSilent(source, handler.body)
    : ts.isIdentifier(handler.body) && handler.body.text === 'undefined';
  return silent && !isExplained(source, call);
}

function isExplained(source: SourceFile, call: ts.CallExpression): boolean {
  let node: ts.Node = call;
  while (!ts.isStatement(node) && !ts.isSourceFile(node.parent)) node = node.parent;
  return ts.getLeadingCommentRanges(source.text, node.getFullStart()) !== undefined;
}

function isDoubleAssertion(node: ts.Node): boolean {
  if (!ts.isAsExpression(node)) return false;
  let inner: ts.Expression = node.expression;
  while (ts.isParenthesizedExpression(inner)) inner = inner.expression;
  return ts.isAsExpression(inner) && inner.type.kind === ts.SyntaxKind.UnknownKeyword;
}

function isDefaultExport(node: ts.Node): boolean {
  if (ts.isExportAssignment(node)) return true;
  if (ts.isExportSpecifier(node)) return node.name.text === 'default';
  return (
    ts.canHaveModifiers(node) &&
    (ts.getModifiers(node) ?? []).some((one) => one.kind === ts.SyntaxKind.DefaultKeyword)
  );
}

// A job file is imported again by threads and by the command, which look for the default export.
function mayExportDefault(source: SourceFile): boolean {
  if (isEngine(source.path)) return false;
  return source.path.endsWith('.config.ts') || /\bdefineJob\b/.test(source.text);
}

function opensWithComment(text: string): boolean {
  return /^(#![^\n]*\n)?\s*(\/\/|\/\*)/.test(text);
}
