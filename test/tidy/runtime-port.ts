// Nondeterminism enters through the Runtime port and nowhere else.
//
// Owns:    which globals and built-in modules read a clock, set a timer, draw a number, or touch the machine.
// Not:     proof at run time (test/poisoned-globals.test.ts): text can be fooled, a poisoned global cannot.
//
// D1. The files that bind the port are named here, one by one or by a narrow pattern.
// D2. A name that the file itself declares is not the global.

import { builtinModules } from 'node:module';
import ts from 'typescript';
import type { Finding } from './finding.js';
import { importsOf } from './imports.js';
import { isEngine, lineOf, type Project, type SourceFile, walk } from './project.js';

/** Files whose business is the binding: everything is open to them. */
const PORT_FILES = /^src\/(base\/(node-[\w-]+|lmdb-[\w-]+)|testing\/microtasks)\.ts$/;
/** The command talks to the terminal and the operating system; its clock and timers still come from a Runtime. */
const COMMAND_FILES = /^src\/cli\//;
/** The test kit starts and kills processes; its clock and timers still come from a Runtime. */
const TESTING_FILES = /^src\/testing\//;
/** Fault injection reaches for the real machine where it says so: simulated globals, real threads and processes, Node's test runner. */
const CHAOS_FILES = /^src\/chaos\/(simulated-globals|real-|node-test\.ts)/;

const GLOBALS: ReadonlySet<string> = new Set([
  'clearImmediate',
  'clearInterval',
  'clearTimeout',
  'crypto',
  'EventSource',
  'fetch',
  'performance',
  'process',
  'queueMicrotask',
  'setImmediate',
  'setInterval',
  'setTimeout',
  'WebSocket',
]);
const METHODS: ReadonlySet<string> = new Set([
  'AbortSignal.timeout',
  'Atomics.wait',
  'Date.now',
  'Math.random',
]);

const BUILTIN_MODULES: ReadonlySet<string> = new Set(builtinModules);
/** Functions of their arguments alone: nothing of the machine comes in through them. */
const PURE_MODULES: ReadonlySet<string> = new Set(['buffer', 'path', 'string_decoder', 'util']);

export function checkRuntimePort(project: Project): readonly Finding[] {
  return project.sources
    .filter(
      (source) => isEngine(source.path) && !PORT_FILES.test(source.path) && !CHAOS_FILES.test(source.path),
    )
    .flatMap((source) => [...moduleFindings(source), ...globalFindings(source)]);
}

function moduleFindings(source: SourceFile): Finding[] {
  if (COMMAND_FILES.test(source.path) || TESTING_FILES.test(source.path)) return [];
  return importsOf(source)
    .filter((entry) => entry.kind !== 'type' && isBuiltin(entry.specifier))
    .map((entry) => finding(source.path, entry.line, `the built-in module ${entry.specifier}`));
}

function globalFindings(source: SourceFile): Finding[] {
  const declared = declaredNames(source);
  const found: Finding[] = [];
  const report = (node: ts.Node, name: string): void => {
    if (name === 'process' && COMMAND_FILES.test(source.path)) return;
    found.push(finding(source.path, lineOf(source, node), name));
  };
  walk(source.tree, (node) => {
    const name = nondeterministic(node);
    if (name !== null && !declared.has(name.split('.')[0] ?? name)) report(node, name);
  });
  return found;
}

function nondeterministic(node: ts.Node): string | null {
  if (ts.isNewExpression(node) && isNamed(node.expression, 'Date') && (node.arguments ?? []).length === 0) {
    return 'new Date()';
  }
  if (ts.isCallExpression(node) && isNamed(node.expression, 'Date')) return 'Date()';
  if (ts.isPropertyAccessExpression(node)) {
    if (isNamed(node.expression, 'globalThis')) return GLOBALS.has(node.name.text) ? node.name.text : null;
    const path = `${node.expression.getText()}.${node.name.text}`;
    return METHODS.has(path) ? path : null;
  }
  return ts.isIdentifier(node) && GLOBALS.has(node.text) && isReference(node) ? node.text : null;
}

// Property names, keys, labels and types share the spelling of a global without being it.
function isReference(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  if (ts.isPropertyAssignment(parent)) return parent.initializer === node;
  if (ts.isBindingElement(parent)) return parent.initializer === node;
  if (ts.isTypeNode(parent) && !ts.isTypeQueryNode(parent) && !ts.isExpressionWithTypeArguments(parent))
    return false;
  if (ts.isQualifiedName(parent)) return false;
  return !ts.isPropertySignature(parent) && !ts.isMethodSignature(parent) && !ts.isClassElement(parent);
}

function declaredNames(source: SourceFile): ReadonlySet<string> {
  const names = new Set<string>();
  walk(source.tree, (node) => {
    const binds =
      ts.isVariableDeclaration(node) ||
      ts.isParameter(node) ||
      ts.isBindingElement(node) ||
      ts.isFunctionDeclaration(node) ||
      ts.isImportSpecifier(node);
    if (binds && node.name !== undefined && ts.isIdentifier(node.name)) names.add(node.name.text);
  });
  return names;
}

function isNamed(node: ts.Node, name: string): boolean {
  return ts.isIdentifier(node) && node.text === name;
}

function isBuiltin(specifier: string): boolean {
  const name = specifier.replace(/^node:/, '');
  const builtin = specifier.startsWith('node:') || BUILTIN_MODULES.has(name);
  return builtin && !PURE_MODULES.has(name);
}

function finding(file: string, line: number, what: string): Finding {
  const message = `${what} is used outside the files that bind the Runtime port.`;
  return {
    file,
    line,
    rule: 'runtime-port',
    message,
    remedy: 'Take a Runtime and use its clock, timers, random, id, files or sockets.',
  };
}
