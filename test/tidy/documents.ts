// Paths that the documents name and that a reader would not find.
//
// Owns:    paths below the project's own folders, and relative links, in every Markdown file.
// Not:     paths of users' projects (jobs/hits.ts, out/hits): they begin with none of our folders.

import { posix } from 'node:path';
import type { Finding } from './finding.js';
import type { Project, ProjectFile } from './project.js';

const OUR_PATH = /(?<![\w./@-])(?:src|actors|examples|test|bench|docs|\.ci)\/[\w.*/-]*[\w*/]/g;
const LINK = /\]\((?!https?:|mailto:|#)([^)#\s]+)(?:#[^)]*)?\)/g;

export function checkDocuments(project: Project): readonly Finding[] {
  const places = new Set([...project.paths].flatMap((path) => [path, ...foldersOf(path)]));
  return project.files
    .filter((file) => file.path.endsWith('.md'))
    .flatMap((file) => missingPaths(file, places));
}

function missingPaths(file: ProjectFile, places: ReadonlySet<string>): Finding[] {
  return file.text.split('\n').flatMap((text, index) => {
    const linked = [...text.matchAll(LINK)].map((match) =>
      posix.join(posix.dirname(file.path), match[1] ?? ''),
    );
    const named = [...text.replaceAll(LINK, '](').matchAll(OUR_PATH)].map((match) => match[0]);
    return [...named, ...linked]
      .filter((path) => !exists(path, places))
      .map((path) => ({
        file: file.path,
        line: index + 1,
        rule: 'documents',
        message: `${path} does not exist.`,
        remedy: 'Name the file as it is now, or drop the sentence.',
      }));
  });
}

function exists(path: string, places: ReadonlySet<string>): boolean {
  const plain = path.replace(/\/$/, '');
  if (!plain.includes('*')) return places.has(plain);
  const pattern = plain.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  const expression = new RegExp(`^${pattern.join('[^/]*')}$`);
  return [...places].some((place) => expression.test(place));
}

function foldersOf(path: string): string[] {
  const folder = posix.dirname(path);
  return folder === '.' ? [] : [folder, ...foldersOf(folder)];
}
