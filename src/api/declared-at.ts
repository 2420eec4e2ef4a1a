// The line of the user's code that declared an operator: `file:line:column`.
//
// Owns:    finding it in a stack.
// Not:     showing it: errors and plans carry it as text.
//
// A1. Costs one Error per operator while the graph is described, nothing while the job runs.
// A2. Where stacks have another shape, there is no place rather than a wrong one.

/** Everything of Weir lies below `src/` and `actors/` beside it, in the sources as in the package. */
const SOURCES = parentOf(directoryOf(plainPath(import.meta.url)));
const ACTORS = `${parentOf(SOURCES)}actors/`;

/** ` at parse (file:///app/job.js:3:5)`, ` at /app/job.ts:3:5` */
const FRAME = /^\s*at (?:.*?\()?(?:async )?(.+):(\d+):(\d+)\)?$/;

/** Where the caller of Weir stands, or undefined when the stack does not say. */
export function declaredAt(): string | undefined {
  return placeIn(new Error('stack').stack);
}

/** The first frame outside of Weir. */
export function placeIn(stack: string | undefined): string | undefined {
  for (const line of stack?.split('\n') ?? []) {
    const match = FRAME.exec(line);
    if (match === null) continue;
    const [, file = '', row, column] = match;
    const path = plainPath(file);
    if (path.startsWith(SOURCES) || path.startsWith(ACTORS) || path.startsWith('node:')) continue;
    return `${path}:${row}:${column}`;
  }
  return undefined;
}

// File URLs and paths of either kind of slash become one form, so that they can be compared.
function plainPath(file: string): string {
  const withoutQuery = file.replace(/\?.*$/, '');
  if (!withoutQuery.startsWith('file://')) return withoutQuery.replaceAll('\\', '/');
  const path = withoutQuery.replace(/^file:\/\/(\/(?=[A-Za-z]:))?/, '');
  try {
    return decodeURIComponent(path);
  } catch {
    // A path with a bare percent sign is no valid URL; it is still a readable place.
    return path;
  }
}

function directoryOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/') + 1);
}

function parentOf(directory: string): string {
  return directoryOf(directory.slice(0, -1));
}
