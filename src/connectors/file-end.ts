// Where a file ends at the moment in which a job begins to follow it from its end.
//
// Owns:    looking that up, once, before anything is read.
// Not:     reading on from there (file-tail.ts), what makes the answer durable (the engine: `Source.resolve`).

import { WeirError } from '../base/errors.js';
import type { FileSystem } from '../base/runtime.js';
import type { SourceContext, SourceSplit } from '../operators/source.js';
import { codeOf, fileError } from './file-errors.js';
import { AT_END, BEGINNING, endOf, type FilePosition } from './file-mark.js';

/** The split with the position behind the last whole line; of a file that is not there yet, its beginning. */
export async function resolveEnd(
  split: SourceSplit<FilePosition>,
  files: FileSystem,
  context: SourceContext,
): Promise<SourceSplit<FilePosition>> {
  const { id: path, position } = split;
  if (position.offset !== AT_END) return split;
  try {
    const stat = await files.stat(path);
    // What is no file is refused when it is opened.
    if (stat === null || stat.kind !== 'file') return { id: path, position: BEGINNING };
    const handle = await files.open(path, 'read');
    try {
      return { id: path, position: await endOf(handle) };
    } finally {
      await handle.close();
    }
  } catch (cause) {
    if (cause instanceof WeirError) throw cause;
    if (codeOf(cause) === 'ENOENT') return { id: path, position: BEGINNING };
    throw fileError(context.operator, 'open', path, cause);
  }
}
