// Tries one rule on a few made-up files, as the tests of the rules do.

import { checkTidy } from './check.js';
import type { Finding } from './finding.js';
import type { ProjectFile } from './project.js';

/** Texts by path. */
export type Texts = Readonly<Record<string, string>>;

export function findings(rule: string, texts: Texts): Finding[] {
  const files: ProjectFile[] = Object.entries(texts).map(([path, text]) => ({ path, text }));
  return checkTidy(files).filter((finding) => finding.rule === rule);
}

/** `file:line` of each finding of one rule. */
export function places(rule: string, texts: Texts): string[] {
  return findings(rule, texts).map((finding) => `${finding.file}:${finding.line}`);
}
