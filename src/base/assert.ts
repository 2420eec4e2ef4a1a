// Checks of invariants: a failed one is a bug in Weir and crashes the attempt.
//
// Owns:    the form of the message: what was expected, and what came.
// Not:     errors of users or connectors (errors.ts).

export class InvariantError extends Error {
  override readonly name = 'InvariantError';
  readonly code = 'WEIR_INVARIANT';
  readonly details: Readonly<Record<string, unknown>>;

  constructor(expected: string, details: Readonly<Record<string, unknown>> = {}) {
    const shown = Object.entries(details).map(([name, value]) => `${name}=${show(value)}`);
    super(shown.length === 0 ? expected : `${expected} (${shown.join(', ')})`);
    this.details = details;
  }
}

/** Throws InvariantError unless `condition` holds. `expected` states the rule in the affirmative. */
export function assert(
  condition: boolean,
  expected: string,
  details?: Readonly<Record<string, unknown>>,
): asserts condition {
  if (!condition) throw new InvariantError(expected, details);
}

/** Narrowing for values that must be there: `const entry = present(map.get(key), 'entry of a live key')`. */
export function present<T>(value: T | undefined | null, expected: string): T {
  if (value === undefined || value === null) throw new InvariantError(expected, { got: value });
  return value;
}

/** The default branch of an exhaustive switch: does not compile while a case is missing. */
export function unreachable(value: never): never {
  throw new InvariantError('a known case', { got: value });
}

function show(value: unknown): string {
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value !== 'object' || value === null) return String(value);
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    // Cyclic values and bigints inside objects: the shape still helps, the content is lost.
    return Object.prototype.toString.call(value);
  }
}
