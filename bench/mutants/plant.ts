// Plants one mutant in a copy of the sources.
//
// Owns:    the copy: src, actors, bench, test, package.json, tsconfig*.json, and a link to node_modules.
// Not:     running anything there (hunt.ts).
//
// Why a copy, and not a switch in the code:
// P1. The engine has no test-only branch. What ships is exactly what was tested, and a planted bug can never be switched on
//     in production, because it is not there.
// P2. Without a mutant planted the simulation runs the very sources of this checkout, not a variant with switches that are off.
// P3. A mutant can sit anywhere, also in the middle of a hot loop, and costs nothing when it is not planted.
// The switch is the name of the mutant on the command line of the hunt. A copy is about 2 MB: it takes less time than one seed
// of the simulation takes to start.

import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Mutant } from './mutant.js';

/** The root of the project. */
export const ROOT: string = fileURLToPath(new URL('../..', import.meta.url));

/** `test` because references that the simulation compares with lie there. */
const COPIED: readonly string[] = ['src', 'actors', 'bench', 'test', 'package.json'];

export interface Planted {
  /** Where the simulation is to be run. */
  readonly directory: string;
  remove(): void;
}

/** The text with the bug in it. Throws when the place is not there exactly once. */
export function mutated(mutant: Mutant, text: string): string {
  const parts = text.split(mutant.find);
  if (parts.length !== 2) {
    throw new Error(
      `Mutant "${mutant.name}": its text occurs ${parts.length - 1} times in ${mutant.file}, expected once. The code has changed; bring the mutant up to date.`,
    );
  }
  return parts.join(mutant.replace);
}

/** Null: a copy without any bug, to hunt in for false alarms. */
export function plant(mutant: Mutant | null): Planted {
  const directory = mkdtempSync(join(tmpdir(), `weir-mutant-${mutant?.name ?? 'none'}-`));
  const remove = (): void => rmSync(directory, { recursive: true, force: true });
  try {
    const configs = readdirSync(ROOT).filter((name) => /^tsconfig.*\.json$/.test(name));
    for (const name of [...COPIED, ...configs])
      cpSync(join(ROOT, name), join(directory, name), { recursive: true });
    const modules = join(ROOT, 'node_modules');
    if (existsSync(modules)) symlinkSync(modules, join(directory, 'node_modules'), 'dir');
    if (mutant !== null) {
      const file = join(directory, mutant.file);
      writeFileSync(file, mutated(mutant, readFileSync(file, 'utf8')));
    }
    return { directory, remove };
  } catch (error) {
    remove();
    throw error;
  }
}
