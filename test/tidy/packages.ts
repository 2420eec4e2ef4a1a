// Packages that one file alone may import, and what examples may import at all.
//
// P1. A package behind a port can be replaced: whoever else imported it would have to be found first.

import type { Finding } from './finding.js';
import { importsOf } from './imports.js';
import { isEngine, type Project } from './project.js';

const ONLY_IMPORTER: ReadonlyMap<string, string> = new Map([
  ['nact', 'actors/kernel/nact-host.ts'],
  ['lmdb', 'src/base/lmdb-key-values.ts'],
  ['msgpackr', 'src/base/codec.ts'],
]);

export function checkPackages(project: Project): readonly Finding[] {
  return project.sources.flatMap((source) =>
    importsOf(source).flatMap((entry) => {
      const name = packageOf(entry.specifier);
      const importer = ONLY_IMPORTER.get(name);
      const bound = isEngine(source.path) || source.path.startsWith('examples/');
      if (importer === undefined || !bound || source.path === importer) return [];
      const message = `${name} is imported outside ${importer}.`;
      const remedy = `Use what ${importer} offers, or extend it.`;
      return [{ file: source.path, line: entry.line, rule: 'packages', message, remedy }];
    }),
  );
}

function packageOf(specifier: string): string {
  const [first = '', second = ''] = specifier.split('/');
  return first.startsWith('@') ? `${first}/${second}` : first;
}
