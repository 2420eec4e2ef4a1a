// Files that nothing imports or runs.
//
// Owns:    what counts as a beginning: the package's exports and command, tests, examples, benches, scripts.
// Not:     exports that nothing uses inside a file that something uses.
//
// O1. The engine is judged by its own beginnings: a file of src/ or actors/ that tests alone reach is not part of the product.
// O2. While one of those beginnings is missing, only that is reported: everything behind it would be blamed for it.
// O3. A file named in a string, such as the child process of a test, is run by the file that names it.

import { posix } from 'node:path';
import ts from 'typescript';
import type { Finding } from './finding.js';
import { importsOf, resolveImport } from './imports.js';
import { isEngine, type Project, type SourceFile, walk } from './project.js';

const SCRIPT_PATH = /[\w./-]+\.(?:ts|mts)\b/g;
const DIST = /^\.?\/?dist\/(.*)\.(?:js|d\.ts)$/;

export function checkOrphans(project: Project): readonly Finding[] {
  const shipped = reachable(project, shippedRoots(project));
  const all = reachable(project, [...shippedRoots(project), ...otherRoots(project)]);
  if (checkPackageFiles(project).length > 0) return [];
  return project.sources.flatMap((source) => {
    const used = isEngine(source.path) ? shipped : all;
    if (used.has(source.path)) return [];
    const message = all.has(source.path)
      ? 'Only tests or benches reach this file.'
      : 'Nothing imports or runs this file.';
    const remedy = all.has(source.path)
      ? 'Use it from a roof or from the engine, or move it to where it is used.'
      : 'Use it, or remove it.';
    return [{ file: source.path, line: 1, rule: 'orphans', message, remedy }];
  });
}

/** Files that package.json names but that are not there. */
export function checkPackageFiles(project: Project): readonly Finding[] {
  return packageTargets(project)
    .filter((path) => !project.paths.has(path))
    .map((path) => ({
      file: 'package.json',
      line: 1,
      rule: 'package-files',
      message: `package.json names ${path}, which does not exist.`,
      remedy: 'Write the file, or take it out of exports, bin and scripts.',
    }));
}

function shippedRoots(project: Project): string[] {
  return packageTargets(project).filter(isEngine);
}

function otherRoots(project: Project): string[] {
  const runs = project.sources.map((source) => source.path).filter(isRunByHand);
  return [...packageTargets(project), ...runs];
}

// Examples and benches are programs; tests are found by their ending; a config lies at the top; fixtures are read by name.
function isRunByHand(path: string): boolean {
  return (
    /^(examples|bench|\.ci\/consumer)\/[^/]+\.ts$/.test(path) ||
    path.endsWith('.test.ts') ||
    /^test\/.*\/fixtures\//.test(path) ||
    /^[^/]+\.config\.ts$/.test(path)
  );
}

function packageTargets(project: Project): readonly string[] {
  const manifest = project.files.find((file) => file.path === 'package.json');
  if (manifest === undefined) return [];
  const { exports = {}, bin = {}, scripts = {} } = JSON.parse(manifest.text) as Record<string, unknown>;
  const shipped = [...stringsIn(exports), ...stringsIn(bin)].flatMap((path) => {
    const built = DIST.exec(path)?.[1];
    if (built !== undefined) return [`${built}.ts`];
    return path.endsWith('.ts') ? [posix.normalize(path)] : [];
  });
  const run = stringsIn(scripts).flatMap((script) => script.match(SCRIPT_PATH) ?? []);
  return [...new Set([...shipped, ...run])];
}

function stringsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(stringsIn) : [];
}

function reachable(project: Project, roots: readonly string[]): ReadonlySet<string> {
  const sources = new Map(project.sources.map((source) => [source.path, source]));
  const reached = new Set<string>();
  const open = roots.filter((path) => sources.has(path));
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    const source = sources.get(path);
    if (source === undefined || reached.has(path)) continue;
    reached.add(path);
    open.push(...targetsOf(source, project.paths));
  }
  return reached;
}

function targetsOf(source: SourceFile, paths: ReadonlySet<string>): string[] {
  const imported = importsOf(source).map((entry) => resolveImport(source.path, entry.specifier, paths));
  const named: string[] = [];
  walk(source.tree, (node) => {
    if (ts.isStringLiteralLike(node) && /\.m?[jt]s$/.test(node.text))
      named.push(...filesNamed(source.path, node.text, paths));
  });
  return [...imported.filter((path) => path !== null), ...named];
}

function filesNamed(from: string, text: string, paths: ReadonlySet<string>): string[] {
  const spellings = [text, text.replace(/\.js$/, '.ts')];
  const places = spellings.flatMap((name) => [posix.join(posix.dirname(from), name), posix.normalize(name)]);
  return places.filter((path) => paths.has(path));
}
