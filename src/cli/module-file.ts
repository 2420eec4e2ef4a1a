// From a path on the command line to what the file exports.
//
// Owns:    importing a file of the user, TypeScript included.
// Not:     what must be among the exports (job-file.ts, chaos-file.ts).
//
// J1. JavaScript needs nothing. TypeScript is loaded by tsx where it is installed, beside the file or beside Weir, else by Node
//     itself where it can. Weir does not depend on tsx: programs in production are compiled.
// J2. Everything that goes wrong here is a ConfigError: nothing has been started.

import { existsSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { extname, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ConfigError, messageOf } from '../base/errors.js';

const TYPESCRIPT = new Set(['.ts', '.mts', '.cts', '.tsx']);

export interface LoadedModule {
  readonly module: Readonly<Record<string, unknown>>;
  /** The path as messages show it. */
  readonly shown: string;
}

/** `of` says in messages what the file is and what it exports. Throws ConfigError. */
export async function loadModuleFile(
  file: string,
  directory: string,
  of: { readonly what: string; readonly exports: string },
): Promise<LoadedModule> {
  const path = resolve(directory, file);
  const shown = relative(directory, path) || file;
  if (!existsSync(path)) {
    throw new ConfigError(`There is no ${of.what} ${shown}.`, {
      remedy: 'Check the path; it is relative to the directory you are in.',
    });
  }
  if (statSync(path).isDirectory()) {
    throw new ConfigError(`${shown} is a directory.`, {
      remedy: `Name the file that exports ${of.exports}.`,
    });
  }
  if (TYPESCRIPT.has(extname(path))) await prepareTypeScript(path, shown);
  return { module: await imported(path, shown), shown };
}

async function imported(path: string, shown: string): Promise<Readonly<Record<string, unknown>>> {
  const loading = new AbortController();
  try {
    const module = import(pathToFileURL(path).href);
    return (await Promise.race([module, neverLoaded(shown, loading.signal)])) as Readonly<
      Record<string, unknown>
    >;
  } catch (cause) {
    if (cause instanceof NeverLoadedError) throw cause;
    throw new ConfigError(`${shown} could not be loaded: ${messageOf(cause)}`, { cause });
  } finally {
    loading.abort();
  }
}

class NeverLoadedError extends ConfigError {}

/** Rejects when nothing is left that could end the loading: Node would leave without a word. */
function neverLoaded(shown: string, loaded: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const idle = (): void => {
      reject(
        new NeverLoadedError(
          `${shown} is never loaded: a top-level await in it waits for what never comes.`,
          {
            remedy: 'Await what it needs inside a source, or see to it that the promise settles.',
          },
        ),
      );
    };
    process.once('beforeExit', idle);
    loaded.addEventListener('abort', () => process.off('beforeExit', idle), { once: true });
  });
}

async function prepareTypeScript(path: string, shown: string): Promise<void> {
  // Whoever runs Weir itself from TypeScript sources has a loader in place already.
  if (import.meta.url.endsWith('.ts')) return;
  const tsx = findTsx(path);
  if (tsx !== null) return register(tsx, shown);
  // Newer than the oldest Node that Weir supports, and so unknown to the types.
  if ('typescript' in process.features && process.features.typescript) return;
  throw new ConfigError(
    `${shown} is TypeScript, which Node ${process.versions.node} does not run by itself.`,
    {
      remedy: 'Install tsx beside it: npm install --save-dev tsx. Or compile it, and run the JavaScript.',
    },
  );
}

function findTsx(path: string): string | null {
  for (const place of [path, import.meta.url]) {
    try {
      return createRequire(place).resolve('tsx');
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : null;
      if (code !== 'MODULE_NOT_FOUND') throw error;
    }
  }
  return null;
}

/** Importing it is registering it: what `node --import tsx` does. */
async function register(tsx: string, shown: string): Promise<void> {
  try {
    await import(pathToFileURL(tsx).href);
  } catch (cause) {
    throw new ConfigError(
      `${shown} is TypeScript, and tsx could not be used to load it: ${messageOf(cause)}`,
      {
        cause,
        remedy: 'Install a current tsx: npm install --save-dev tsx@latest.',
      },
    );
  }
}
