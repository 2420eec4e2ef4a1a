// Whether two values are the same in everything that a program can see, but for identity.

/** Why `b` is not `a`, or null. Cycles and sharing count: what is one object in `a` is one in `b`. */
export function differenceOf(a: unknown, b: unknown): string | null {
  return compare(a, b, 'value', new Map());
}

function compare(a: unknown, b: unknown, path: string, pairs: Map<object, object>): string | null {
  if (typeof a !== 'object' || a === null || typeof b !== 'object' || b === null)
    return Object.is(a, b) ? null : `${path}: ${show(a)} became ${show(b)}`;
  const known = pairs.get(a);
  if (known !== undefined) return known === b ? null : `${path}: no longer the same object`;
  pairs.set(a, b);
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return `${path}: another prototype`;
  return compareContents(a, b, path, pairs) ?? compareFields(a, b, path, pairs);
}

function compareContents(a: object, b: object, path: string, pairs: Map<object, object>): string | null {
  if (a instanceof Map) return compare([...a], [...(b as typeof a)], `${path}.entries`, pairs);
  if (a instanceof Set) return compare([...a], [...(b as typeof a)], `${path}.values`, pairs);
  if (a instanceof Date) return compare(a.getTime(), (b as Date).getTime(), path, pairs);
  if (a instanceof RegExp) return compare(String(a), String(b), path, pairs);
  if (a instanceof ArrayBuffer) return compare([...bytesOf(a)], [...bytesOf(b)], path, pairs);
  if (a instanceof DataView) return compare([...bytesOf(a)], [...bytesOf(b)], path, pairs);
  return null;
}

function bytesOf(value: object): Uint8Array {
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  return new Uint8Array(value as ArrayBuffer);
}

function compareFields(a: object, b: object, path: string, pairs: Map<object, object>): string | null {
  const keys = Reflect.ownKeys(a);
  const others = Reflect.ownKeys(b);
  if (keys.length !== others.length || keys.some((key, at) => key !== others[at]))
    return `${path}: keys ${keys.map(String)} became ${others.map(String)}`;
  for (const key of keys) {
    const left = Object.getOwnPropertyDescriptor(a, key);
    const right = Object.getOwnPropertyDescriptor(b, key);
    if (left?.enumerable !== right?.enumerable) return `${path}.${String(key)}: enumerable or not`;
    const found = compare(Reflect.get(a, key), Reflect.get(b, key), `${path}.${String(key)}`, pairs);
    if (found !== null) return found;
  }
  return null;
}

function show(value: unknown): string {
  return Object.is(value, -0) ? '-0' : typeof value === 'string' ? JSON.stringify(value) : String(value);
}
