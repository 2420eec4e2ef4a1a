// How a thread or process is started so that it runs the same files as we do: from sources, or compiled.
//
// Owns:    the entry of hosts, the options of Node, loading TypeScript in them.
// Not:     starting them (real-thread.ts, real-process.ts), what they do (real-entry.ts).
//
// L1. The entry has the ending of this very file: sources start sources, compiled files start compiled ones.
// L2. TypeScript, ours or that of a scenario, is loaded by tsx where it is installed, else by Node itself where it can.

import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { ConfigError } from '../base/errors.js';

/** Options of Node for children that run from sources: the package then means its own sources. */
const OF_SOURCES: readonly string[] = ['--conditions=weir-source'];

export interface HostProgram {
  /** File to be run. */
  readonly entry: string;
  readonly execArgv: readonly string[];
  /** URL of a module with `register()`, which has to be called first in a thread; null: JavaScript needs nothing. */
  readonly register: string | null;
  /** The same for a process: options of Node. */
  readonly importing: readonly string[];
}

/** `module`: URL of the file of the scenario. Throws ConfigError when it is TypeScript and nothing can load it. */
export function hostProgram(module: string): HostProgram {
  const fromSources = import.meta.url.endsWith('.ts');
  const entry = fileURLToPath(new URL(fromSources ? './real-entry.ts' : './real-entry.js', import.meta.url));
  const execArgv = fromSources ? OF_SOURCES : [];
  const plain = { entry, execArgv, register: null, importing: [] };
  if (!fromSources && !/\.[mc]?tsx?$/.test(module)) return plain;
  const tsx = tsxBeside([module, import.meta.url]);
  if (tsx !== null) return { ...plain, ...tsx };
  // Newer than the oldest Node that Weir supports, and so unknown to the types.
  if (!fromSources && 'typescript' in process.features && process.features.typescript) return plain;
  throw new ConfigError(
    `${module} is TypeScript, which Node ${process.versions.node} does not run by itself.`,
    {
      remedy: 'Install tsx beside it: npm install --save-dev tsx. Or compile it, and run the JavaScript.',
    },
  );
}

function tsxBeside(places: readonly string[]): Pick<HostProgram, 'register' | 'importing'> | null {
  for (const place of places) {
    const { resolve } = createRequire(place);
    try {
      // The form for `import` lies beside the one for `require`, which is the one that can be looked up from a place.
      const api = resolve('tsx/esm/api').replace(/\.cjs$/, '.mjs');
      return {
        register: pathToFileURL(api).href,
        importing: ['--import', pathToFileURL(resolve('tsx')).href],
      };
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : null;
      if (code !== 'MODULE_NOT_FOUND') throw error;
    }
  }
  return null;
}
