// All rules over all files: a pure function, so that each rule can be shown to go red.

import { checkCode } from './code.js';
import { checkComments } from './comments.js';
import { checkCycles } from './cycles.js';
import { checkDocuments } from './documents.js';
import type { Finding } from './finding.js';
import { checkLayers } from './layers.js';
import { checkNames } from './names.js';
import { checkOrphans, checkPackageFiles } from './orphans.js';
import { checkPackages } from './packages.js';
import { type Project, type ProjectFile, parseProject } from './project.js';
import { checkRuntimePort } from './runtime-port.js';

const RULES: readonly ((project: Project) => readonly Finding[])[] = [
  checkLayers,
  checkCycles,
  checkPackages,
  checkRuntimePort,
  checkOrphans,
  checkPackageFiles,
  checkCode,
  checkComments,
  checkNames,
  checkDocuments,
];

/** Every breach in the files, in the order of file and line. */
export function checkTidy(files: readonly ProjectFile[]): readonly Finding[] {
  const project = parseProject(files);
  return RULES.flatMap((rule) => rule(project)).sort(byPlace);
}

function byPlace(a: Finding, b: Finding): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1;
  return a.line - b.line;
}
