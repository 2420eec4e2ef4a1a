// Who called: the line of user code behind a call, out of the stack.
//
// Owns:    reading stacks, and telling user code, dependencies, Node and the loaders of modules apart.
// Not:     what follows from it (simulated-globals-forbidden.ts), the words of a leak (leaks.ts).
//
// S1. The printed stack is read, not its raw frames: only the printed one has the lines of the sources that people wrote.
// S2. Loading a module is no call of the user: `import` and `require` may read files in a step.

import { fileURLToPath } from 'node:url';

const FRAMES_MAX = 60;
const FRAME = /(?:\(|at (?:async )?)((?:file:\/\/|node:|\/|[A-Za-z]:[\\/])[^()]*?):(\d+)(?::\d+)?\)?$/;
/** Parts of Node that reach for files and streams on their own account. */
const NODE_ITSELF =
  /^node:internal\/(modules|source_map|console|fs\/sync_write_stream|bootstrap|process\/(esm_loader|execution|warning))\b/;
/** What runs TypeScript: it reads files when a module is loaded. */
const LOADERS = /[\\/]node_modules[\\/](tsx|esbuild|vite|vite-node|vitest|@vitest)[\\/]/;
/** A patched function that let a call through, and stands between it and those that follow from it. */
const PATCHES = /[\\/]chaos[\\/]simulated-globals[\w-]*\.[jt]s$/;
const DEPENDENCY = /[\\/]node_modules[\\/]/;

export type Caller =
  /** Node or a loader, on its own account. */
  | { readonly kind: 'machinery' }
  /** `where` is null when the stack holds no file: a function of Node called as a promise reaction. */
  | { readonly kind: 'user'; readonly where: string | null };

interface Frame {
  readonly file: string;
  readonly line: string;
}

/** Who called `boundary`; its own frame and those inside of it do not count. */
export function callerOf(boundary: (...args: never[]) => unknown): Caller {
  const frames = framesAbove(boundary).filter((frame) => !PATCHES.test(frame.file));
  for (const frame of frames) {
    if (NODE_ITSELF.test(frame.file) || LOADERS.test(frame.file)) return { kind: 'machinery' };
    if (!frame.file.startsWith('node:')) break;
  }
  const foreign = frames.filter((frame) => !frame.file.startsWith('node:') && !LOADERS.test(frame.file));
  const nearest = foreign[0];
  const own = foreign.find((frame) => !DEPENDENCY.test(frame.file));
  if (nearest === undefined) return { kind: 'user', where: null };
  if (own === undefined || own === nearest) return { kind: 'user', where: placeOf(nearest) };
  return { kind: 'user', where: `${placeOf(own)} (through ${placeOf(nearest)})` };
}

function framesAbove(boundary: (...args: never[]) => unknown): readonly Frame[] {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = FRAMES_MAX;
  try {
    const holder: { readonly stack?: unknown } = {};
    Error.captureStackTrace(holder, boundary);
    return typeof holder.stack === 'string' ? holder.stack.split('\n').flatMap(frameOf) : [];
  } finally {
    Error.stackTraceLimit = limit;
  }
}

function frameOf(line: string): readonly Frame[] {
  const found = FRAME.exec(line.trimEnd());
  return found?.[1] === undefined || found[2] === undefined ? [] : [{ file: found[1], line: found[2] }];
}

// Relative to where the process runs: a leak reads the same on every machine.
function placeOf({ file, line }: Frame): string {
  const path = file.startsWith('file://') ? fileURLToPath(file.replace(/\?.*$/, '')) : file;
  const root = process.cwd();
  return `${path.startsWith(root) ? path.slice(root.length + 1) : path}:${line}`;
}
