// The poisoned process: loads every module of the engine, runs the programs, and reports in one line of JSON.
//
// A1. The poison comes before the first module of the engine, so that a global kept in a constant is a poisoned one.

import { readdirSync } from 'node:fs';
import { canaries, harmless } from './canary.js';
import { poisonGlobals, type Touch } from './poison.js';

export interface Report {
  /** Modules that were loaded. */
  readonly loaded: readonly string[];
  /** Programs that ran to their end, or canaries that were caught. */
  readonly done: readonly string[];
  readonly touches: readonly Touch[];
  /** Stack of what ended the run early. */
  readonly failure: string | null;
}

const ROOT = new URL('../../', import.meta.url);
/** The bindings of the port, and the command, which runs when it is loaded. */
const NOT_LOADED =
  /^src\/(base\/(node|lmdb)-[\w-]+\.ts|cli\/|chaos\/(real-[\w-]+|simulated-globals[\w-]*|vitest|node-test)\.ts)/;

async function loadEngine(): Promise<string[]> {
  const loaded: string[] = [];
  for (const folder of ['src', 'actors']) {
    for (const path of readdirSync(new URL(folder, ROOT), { recursive: true, encoding: 'utf8' }).sort()) {
      const file = `${folder}/${path.replaceAll('\\', '/')}`;
      if (!file.endsWith('.ts') || NOT_LOADED.test(file)) continue;
      await import(new URL(file, ROOT).href);
      loaded.push(file);
    }
  }
  return loaded;
}

async function engine(): Promise<Pick<Report, 'loaded' | 'done'>> {
  const loaded = await loadEngine();
  const { runPrograms } = await import('./programs.js');
  return { loaded, done: await runPrograms() };
}

async function canary(): Promise<Pick<Report, 'loaded' | 'done'>> {
  for (const call of harmless) call();
  const caught: string[] = [];
  for (const [name, call] of Object.entries(canaries)) {
    try {
      await call();
    } catch (error) {
      if (error instanceof Error && error.message.startsWith(`${name} was touched by`)) caught.push(name);
    }
  }
  return { loaded: [], done: caught };
}

const write = process.stdout.write.bind(process.stdout);
const touches = poisonGlobals();
let result: Pick<Report, 'loaded' | 'done'> = { loaded: [], done: [] };
let failure: string | null = null;
try {
  result = process.argv[2] === 'canary' ? await canary() : await engine();
} catch (error) {
  failure = error instanceof Error ? (error.stack ?? error.message) : String(error);
}
const report: Report = { ...result, touches, failure };
write(`${JSON.stringify(report)}\n`, () => process.exit(0));
