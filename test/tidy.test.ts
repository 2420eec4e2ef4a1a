// The sources keep the rules: layers, ports, names, comments, documents. What each rule says, and that it
// can go red, stands in test/tidy/.

import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { checkTidy } from './tidy/check.js';
import { showFinding } from './tidy/finding.js';
import { FILE_LINES_MAX, FUNCTION_LINES_MAX, lengthReport } from './tidy/lengths.js';
import { type ProjectFile, parseProject } from './tidy/project.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const NOT_OURS = new Set(['.git', 'node_modules', 'dist', 'out', 'coverage', '.weir', 'package-lock.json']);
const BINARY = /\.(png|jpg|gif|ico|woff2?|mdb)$/;

const files = readProject(ROOT);

test('the sources keep every rule', () => {
  expect(files.length).toBeGreaterThan(20);
  const findings = checkTidy(files).map(showFinding);
  if (findings.length > 0) expect.fail(`${findings.length} findings\n${findings.join('\n')}\n`);
});

test('long files and functions are reported, not forbidden', () => {
  const report = lengthReport(parseProject(files));
  const title = `Over ${FILE_LINES_MAX} lines a file or ${FUNCTION_LINES_MAX} a function: ${report.length}`;
  process.stdout.write(`${[title, ...report.map((line) => `  ${line}`)].join('\n')}\n`);
});

function readProject(folder: string): ProjectFile[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (NOT_OURS.has(entry.name) || BINARY.test(entry.name)) return [];
    if (entry.isDirectory()) return readProject(path);
    if (!entry.isFile()) return [];
    return [{ path: relative(ROOT, path).split(sep).join('/'), text: readFileSync(path, 'utf8') }];
  });
}
