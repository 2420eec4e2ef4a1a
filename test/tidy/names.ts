// Names of files, and words that do not belong into a project that speaks of itself alone.
//
// A1. A file is named after its concept: a name that fits everything says nothing.
// A2. A path that exists on one machine is wrong on every other.

import { posix } from 'node:path';
import type { Finding } from './finding.js';
import { isTidyItself, type Project, type ProjectFile } from './project.js';

const EMPTY_WORDS: ReadonlySet<string> = new Set([
  'util',
  'utils',
  'helper',
  'helpers',
  'common',
  'manager',
  'misc',
  'types',
]);
const ROOFS: ReadonlySet<string> = new Set([
  'src/index.ts',
  'actors/index.ts',
  'src/testing/index.ts',
  'src/chaos/index.ts',
]);

const MACHINE_PATH = /(?<![\w.$})-])\/(?:work|tmp|home|Users)(?=[/\s'"`;:,)]|$)/;
const SHARED_FOLDER = /\.\.\/shared\b/;
const MAY_READ_SHARED = /^(\.ci\/run$|test\/|bench\/)/;
const TEXT_FILE = /\.(ts|mts|js|mjs|json|md|yml|yaml|html|css)$|^\.ci\/|^LICENSE$/;

export function checkNames(project: Project): readonly Finding[] {
  return project.files
    .filter((file) => !isTidyItself(file.path))
    .flatMap((file) => [...fileName(file), ...(TEXT_FILE.test(file.path) ? words(file) : [])]);
}

function fileName(file: ProjectFile): Finding[] {
  if (!/\.m?[jt]s$/.test(file.path) || ROOFS.has(file.path)) return [];
  const folders = posix.dirname(file.path).split('/');
  const stem = posix.basename(file.path).replace(/(\.test)?\.m?[jt]s$/, '');
  const empty = [...folders, ...stem.split(/[-.]/)].find((word) => EMPTY_WORDS.has(word));
  const word = empty ?? (stem === 'index' ? 'index' : undefined);
  if (word === undefined) return [];
  const message = `"${word}" names no concept.`;
  return [
    {
      file: file.path,
      line: 1,
      rule: 'names',
      message,
      remedy: 'Name the file after the one thing it owns.',
    },
  ];
}

function words(file: ProjectFile): Finding[] {
  return file.text.split('\n').flatMap((text, index) => {
    const at = { file: file.path, line: index + 1, rule: 'words' };
    const found: Finding[] = [];
    const path = MACHINE_PATH.exec(text)?.[0];
    if (path !== undefined) {
      const remedy = 'Use a relative path, or os.tmpdir() in tests.';
      found.push({ ...at, message: `${path} is a path of one machine.`, remedy });
    }
    if (SHARED_FOLDER.test(text) && !MAY_READ_SHARED.test(file.path)) {
      const remedy = 'Take the path as an argument.';
      found.push({ ...at, message: 'A folder outside the project is named.', remedy });
    }
    return found;
  });
}
