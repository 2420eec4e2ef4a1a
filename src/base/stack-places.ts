// Places of the user's code in a stack: where an error was thrown, and which frames are Weir's own.
//
// Owns:    reading the frames of V8 in whatever form a host writes them.
// Not:     when a place is looked for (errors, src/api/declared-at.ts).
//
// K1. Weir's frames are known by where this very module lies, and by the name of the package where a source map or a bundler
//     has written other paths.
// K2. Where a stack has another shape, or cannot tell, there is no place rather than a wrong one.

/** Everything of Weir lies below these, in the sources as in the package; source maps lead from `dist` back to the sources. */
const FOLDERS = /^(?:dist\/|src\/|actors\/)/;
/** The package by its name: a bundler's source map knows no other root. */
const PACKAGE = /(?:^|\/)node_modules\/weirjs\/(?:dist|src|actors)\//;
/** Where this module lies, below the root of the package. */
const SELF = /^(.*\/)src\/base\/stack-places\.([jt]s)$/;

/** `at parse (file:///app/job.js:3:5)` and `at async /app/job.ts:3:5`. */
const NAMED_FRAME = /^\s*at .*? \((.+):(\d+):(\d+)\)$/;
const BARE_FRAME = /^\s*at (?:async )?(.+):(\d+):(\d+)$/;
/** Code made at run time names the place that made it. */
const EVALUATED = /^eval at .*?\(([^()]+):(\d+):(\d+)\)/;

interface Frame {
  readonly owner: 'weir' | 'user' | 'package' | 'host';
  readonly place: string;
}

/** Reads stacks for the copy of Weir whose `stack-places` module lies at `self`. */
export class StackPlaces {
  /** Null: this module was bundled into another file, and paths do not tell who is who. */
  private readonly root: string | null;

  constructor(self: string) {
    const [, above, kind] = SELF.exec(plainPath(self)) ?? [];
    if (above === undefined) this.root = null;
    else this.root = comparable(kind === 'js' ? above.replace(/dist\/$/, '') : above);
  }

  get bundled(): boolean {
    return this.root === null;
  }

  /** The first frame outside of Weir and of Node: where the caller of Weir stands. */
  callerIn(stack: string | undefined): string | undefined {
    const outside = this.frames(stack).filter(({ owner }) => owner === 'user' || owner === 'package');
    return (outside.find(({ owner }) => owner === 'user') ?? outside[0])?.place;
  }

  /**
   * The line of the user's file that threw, or that called what threw: a library, or a method of Weir. Undefined when the stack
   * shows none, as for an error that Weir has thrown on its own.
   */
  throwerIn(stack: string | undefined): string | undefined {
    const frames = this.frames(stack).filter(({ owner }) => owner !== 'host');
    const start = frames.findIndex(({ owner }) => owner !== 'weir');
    if (start < 0) return undefined;
    const end = frames.findIndex(({ owner }, index) => index > start && owner === 'weir');
    const block = frames.slice(start, end < 0 ? undefined : end);
    const user = block.find(({ owner }) => owner === 'user');
    // A package that Weir itself stands on is no place of the user's.
    return (user ?? (start === 0 ? block[0] : undefined))?.place;
  }

  private frames(stack: string | undefined): readonly Frame[] {
    return (stack?.split('\n') ?? []).flatMap((line) => {
      const frame = this.frame(line);
      return frame === null ? [] : [frame];
    });
  }

  private frame(line: string): Frame | null {
    const match = NAMED_FRAME.exec(line) ?? BARE_FRAME.exec(line);
    if (match === null) return null;
    const [, file = '', row, column] = match;
    if (file.startsWith('eval at ')) return this.evaluated(file);
    const path = plainPath(file);
    return { owner: this.ownerOf(path), place: `${path}:${row}:${column}` };
  }

  private evaluated(location: string): Frame | null {
    const match = EVALUATED.exec(location);
    if (match === null) return null;
    const [, file = '', row, column] = match;
    const path = plainPath(file);
    return { owner: this.ownerOf(path), place: `${path}:${row}:${column}` };
  }

  private ownerOf(path: string): Frame['owner'] {
    if (path.startsWith('node:') || path.startsWith('<') || path === 'native') return 'host';
    const { root } = this;
    const compared = comparable(path);
    if (root !== null && compared.startsWith(root) && FOLDERS.test(compared.slice(root.length)))
      return 'weir';
    if (PACKAGE.test(path)) return 'weir';
    return /(?:^|\/)node_modules\//.test(path) ? 'package' : 'user';
  }
}

/** For this copy of Weir. */
export const stackPlaces: StackPlaces = new StackPlaces(import.meta.url);

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

/** Windows spells the same path in capitals and in small letters. */
function comparable(path: string): string {
  return /^[A-Za-z]:\//.test(path) ? path.toLowerCase() : path;
}
