// The layers: imports point down only, types included.
//
// Owns:    which folder stands on which, and what a file of a folder may import.
// Not:     cycles between files (cycles.ts), packages (packages.ts).
//
// L1. Folders of one row may import each other only where the row says so.
// L2. Roofs stand on everything; nothing stands on them but other roofs, examples, tests and benches.
// L3. The actor kernel knows nothing of streams: it stands on src/base alone.

import ts from 'typescript';
import type { Finding } from './finding.js';
import { importsOf, resolveImport } from './imports.js';
import { lineOf, type Project, type SourceFile } from './project.js';

interface Layer {
  readonly folder: string;
  /** Higher stands on lower. */
  readonly row: number;
  /** Whether folders of the same row may import this one. */
  readonly openToRow: boolean;
}

const LAYERS: readonly Layer[] = [
  { folder: 'src/base', row: 0, openToRow: false },
  { folder: 'src/elements', row: 1, openToRow: false },
  { folder: 'src/flow', row: 2, openToRow: false },
  { folder: 'src/state', row: 2, openToRow: false },
  { folder: 'src/checkpoint', row: 2, openToRow: false },
  { folder: 'src/operators', row: 3, openToRow: false },
  { folder: 'src/graph', row: 4, openToRow: false },
  { folder: 'src/task', row: 5, openToRow: true },
  { folder: 'src/recovery', row: 5, openToRow: true },
  { folder: 'src/api', row: 5, openToRow: true },
  { folder: 'src/connectors', row: 5, openToRow: true },
  { folder: 'actors', row: 6, openToRow: false },
];

const ROOF_FILES: readonly string[] = [
  'src/index.ts',
  'actors/index.ts',
  'src/testing/index.ts',
  'src/chaos/index.ts',
];
/** Entries of the package that are more than a list of names. */
const ENTRIES: readonly string[] = ['src/chaos/vitest.ts', 'src/chaos/node-test.ts'];
const ROOF_FOLDERS: readonly string[] = [
  'src/testing',
  'src/chaos',
  'src/cli',
  'src/sql',
  'src/cep',
  'src/dashboard',
];
/** Roofs that stand on roofs: chaos simulates on the virtual machine of testing, and the command runs scenarios. */
const ROOF_ARROWS: ReadonlyMap<string, string> = new Map([
  ['src/chaos', 'src/testing'],
  ['src/cli', 'src/chaos'],
]);
const KERNEL = 'actors/kernel';

export function checkLayers(project: Project): readonly Finding[] {
  return project.sources.flatMap((source) => [
    ...importFindings(source, project.paths),
    ...folderFinding(source),
    ...roofFindings(source),
  ]);
}

/** A sentence that says why `from` may not import `to`; null when it may. */
export function forbiddenArrow(from: string, to: string): string | null {
  if (isFree(from)) return null;
  if (from.startsWith('examples/')) {
    return isInside(to, 'examples') || ROOF_FILES.includes(to) || ENTRIES.includes(to)
      ? null
      : 'Examples use the package as its users do.';
  }
  if (isFree(to) || to.startsWith('examples/'))
    return 'The engine does not depend on tests, benches or examples.';
  if (isRoof(from)) return isRoof(to) ? forbiddenRoof(from, to) : kernelRoof(from, to);
  if (isRoof(to)) return `Nothing below a roof imports ${to}.`;
  return forbiddenDown(from, to);
}

function forbiddenDown(from: string, to: string): string | null {
  if (isInside(from, KERNEL) && !isInside(to, KERNEL) && !isInside(to, 'src/base')) {
    return 'The actor kernel stands on src/base alone.';
  }
  const upper = layerOf(from);
  const lower = layerOf(to);
  if (upper === null || lower === null || upper.folder === lower.folder || upper.row > lower.row) return null;
  if (upper.row === lower.row && lower.openToRow) return null;
  return upper.row === lower.row
    ? `${upper.folder} and ${lower.folder} stand beside each other.`
    : `${upper.folder} stands below ${lower.folder}.`;
}

function forbiddenRoof(from: string, to: string): string | null {
  if (ROOF_ARROWS.get(roofOf(from)) === roofOf(to)) return null;
  if (roofOf(from) === roofOf(to) || (to === 'src/index.ts' && from !== 'actors/index.ts')) return null;
  return `The roofs ${roofOf(from)} and ${roofOf(to)} know nothing of each other.`;
}

function kernelRoof(from: string, to: string): string | null {
  if (from !== 'actors/index.ts' || isInside(to, KERNEL) || isInside(to, 'src/base')) return null;
  return 'The roof of the actor library shows the kernel alone.';
}

function importFindings(source: SourceFile, paths: ReadonlySet<string>): Finding[] {
  return importsOf(source).flatMap((entry) => {
    const target = resolveImport(source.path, entry.specifier, paths);
    const reason = target === null ? null : forbiddenArrow(source.path, target);
    if (target === null || reason === null) return [];
    const message = `${source.path} imports ${target}. ${reason}`;
    const remedy = 'Move the piece down, or pass it in from above.';
    return [{ file: source.path, line: entry.line, rule: 'layers', message, remedy }];
  });
}

function folderFinding(source: SourceFile): Finding[] {
  const { path } = source;
  if (!path.startsWith('src/') || isRoof(path) || layerOf(path) !== null) return [];
  const message = `${path} lies in no known layer.`;
  const remedy =
    'Put it into a folder of the layers, or add its folder to test/tidy/layers.ts with a decision note.';
  return [{ file: path, line: 1, rule: 'layers', message, remedy }];
}

// A roof that decides something is a layer without a place.
function roofFindings(source: SourceFile): Finding[] {
  if (!ROOF_FILES.includes(source.path)) return [];
  return source.tree.statements
    .filter((statement) => !(ts.isExportDeclaration(statement) && statement.moduleSpecifier !== undefined))
    .map((statement) => ({
      file: source.path,
      line: lineOf(source, statement),
      rule: 'roofs',
      message: 'A roof re-exports, and nothing else.',
      remedy: 'Move this statement into a file of its own and re-export it here.',
    }));
}

function layerOf(path: string): Layer | null {
  return LAYERS.find((layer) => isInside(path, layer.folder)) ?? null;
}

function roofOf(path: string): string {
  return ROOF_FOLDERS.find((folder) => isInside(path, folder)) ?? path;
}

function isRoof(path: string): boolean {
  return ROOF_FILES.includes(path) || ROOF_FOLDERS.some((folder) => isInside(path, folder));
}

function isFree(path: string): boolean {
  return /^(test|bench|\.ci)\//.test(path) || !path.includes('/');
}

function isInside(path: string, folder: string): boolean {
  return path.startsWith(`${folder}/`);
}
