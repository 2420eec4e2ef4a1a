// Deep freezing of values, for development.
//
// Owns:    making plain data unchangeable, so that a change throws where it happens instead of reaching another reader.
// Not:     production: there it costs too much, and such a change goes unnoticed.
//
// F1. Freezes arrays and plain objects all the way down, once. Instances of classes are not touched and not looked into:
//     they may keep what they compute. Map, Set, Date and typed arrays stay changeable, frozen or not: they are left alone.

/** What is frozen all the way down, so that a record is not walked through by every operator that it passes. */
const frozen = new WeakSet<object>();

/** Freezes `value` and what it contains, and answers it. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || frozen.has(value)) return value;
  // A list of what is left to do rather than recursion: records may be nested deeper than the stack.
  const left: object[] = [value];
  for (let part = left.pop(); part !== undefined; part = left.pop()) {
    if (frozen.has(part) || !isPlain(part)) continue;
    frozen.add(part);
    Object.freeze(part);
    for (const inner of Object.values(part))
      if (typeof inner === 'object' && inner !== null) left.push(inner);
  }
  return value;
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null || prototype === Array.prototype;
}
