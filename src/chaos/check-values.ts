// How checks compare and show values: ids, multisets, canonical text.
//
// Owns:    the text that equal values share, and the order in which counterexamples are named.
// Not:     what is compared (check.ts).
//
// V1. Equal values have equal text, whatever the order of their keys: plain objects, arrays, Map, Set, Date, bigint, NaN and -0 included.
// V2. Examples are few and the smallest, because a person reads them.

/** Examples of one violation. */
export const EXAMPLES_MAX = 5;
const EXAMPLE_LENGTH_MAX = 120;

/** What tells one result from the others. */
export type ResultId = string | number | bigint | boolean;

/** See V1. */
export function canonical(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value);
    case 'number':
      return Object.is(value, -0) ? '-0' : String(value);
    case 'bigint':
      return `${value}n`;
    case 'object':
      return value === null ? 'null' : canonicalObject(value);
    default:
      return String(value);
  }
}

function canonicalObject(value: object): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value instanceof Date) return `Date(${value.getTime()})`;
  if (value instanceof Map) return `Map{${[...value].map(pair).sort(byText).join(',')}}`;
  if (value instanceof Set) return `Set{${[...value].map(canonical).sort(byText).join(',')}}`;
  if (ArrayBuffer.isView(value)) return `${value.constructor.name}[${[...bytesOf(value)].join(',')}]`;
  if (value instanceof Error) return `${value.name}(${JSON.stringify(value.message)})`;
  const entries = Object.entries(value).filter(([, part]) => part !== undefined);
  return `{${entries
    .map(([name, part]) => `${JSON.stringify(name)}:${canonical(part)}`)
    .sort(byText)
    .join(',')}}`;
}

function pair([key, value]: readonly [unknown, unknown]): string {
  return `${canonical(key)}=>${canonical(value)}`;
}

function bytesOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

/** How often each text occurs. */
export function countTexts(texts: Iterable<string>): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return counts;
}

/** What one multiset has more of than another; an item that is twice too many is there twice. */
export function surplus(of: ReadonlyMap<string, number>, over: ReadonlyMap<string, number>): string[] {
  return [...of].flatMap(([text, count]) => {
    const more = count - (over.get(text) ?? 0);
    return more > 0 ? new Array<string>(more).fill(text) : [];
  });
}

/** The few to be named: distinct, the smallest first. */
export function examplesOf(texts: Iterable<string>): readonly string[] {
  return [...new Set(texts)].sort(bySize).slice(0, EXAMPLES_MAX).map(shortened);
}

/** Numbers by value, before everything else; then short texts before long ones. */
export function bySize(a: string, b: string): number {
  const [x, y] = [numberIn(a), numberIn(b)];
  if (x !== null && y !== null) return x - y;
  if (x !== null || y !== null) return x === null ? 1 : -1;
  return a.length - b.length || byText(a, b);
}

export function shortened(text: string): string {
  return text.length <= EXAMPLE_LENGTH_MAX ? text : `${text.slice(0, EXAMPLE_LENGTH_MAX - 1)}…`;
}

function numberIn(text: string): number | null {
  return /^-?\d+(\.\d+)?n?$/.test(text) ? Number(text.replace('n', '')) : null;
}

// By code unit and not by locale: the same on every machine.
function byText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
