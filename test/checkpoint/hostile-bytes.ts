// A savepoint spoiled: rows damaged at random, or forged with checksums that fit.

import { decode, encode } from '../../src/base/codec.js';
import { randomBelow } from '../../src/base/random-stream.js';
import type { RandomStream } from '../../src/base/runtime.js';
import { decodeStoreKey } from '../../src/base/store-keys.js';
import type { Manifest } from '../../src/checkpoint/manifest.js';
import {
  CHUNKS,
  chunkIdentity,
  frame,
  MANIFESTS,
  manifestValue,
  segmentsOf,
  unframe,
} from '../../src/checkpoint/store-rows.js';
import type { StoreImage } from '../../src/testing/virtual-stores.js';

// ---------------------------------------------------------------- damage

/** Damages one row, and answers how. */
export function damaged(image: StoreImage, random: RandomStream): string {
  const tables = image.lastTables.length > 0 ? ['meta', MANIFESTS, CHUNKS] : [];
  const table = tables[randomBelow(random, tables.length)] ?? CHUNKS;
  const rows = image.rows(table);
  const row = rows[randomBelow(random, rows.length)];
  if (row === undefined) return 'nothing';
  const other = rows[randomBelow(random, rows.length)] ?? row;
  const kind = ['flip', 'cut', 'remove', 'swap', 'grow', 'empty'][randomBelow(random, 6)];
  image.damage(table, row.key, (value) => {
    switch (kind) {
      case 'flip': {
        const flipped = value.slice();
        const at = randomBelow(random, flipped.length);
        flipped[at] = (flipped[at] ?? 0) ^ (1 << randomBelow(random, 8));
        return flipped;
      }
      case 'cut':
        return value.slice(0, randomBelow(random, value.length));
      case 'remove':
        return null;
      case 'swap':
        return other.value.slice();
      case 'grow':
        return Uint8Array.from([...value, 0, 0, 0]);
      default:
        return new Uint8Array(0);
    }
  });
  return `${kind} ${table} ${JSON.stringify(decodeStoreKey(row.key))}`;
}

// ---------------------------------------------------------------- forgery

const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)]);
const HOSTILE: readonly unknown[] = [
  ...[-1, 0, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, 1e308, 4_294_967_295, 10n],
  ...[
    '',
    '..',
    '../../outside/secret',
    '/outside/secret',
    '__proto__',
    'x'.repeat(5_000),
    '\u0000BNaN',
    '\u0000J{',
  ],
  ...[null, true, [], {}, [null], new Map(), new Uint8Array(3), nested(400), { id: '/outside/secret' }],
];

/** The value with one of its parts replaced by something hostile. */
function forgedPart(value: unknown, random: RandomStream): unknown {
  const hostile = (): unknown => HOSTILE[randomBelow(random, HOSTILE.length)];
  const walk = (part: unknown): unknown => {
    if (part instanceof Uint8Array || typeof part !== 'object' || part === null || random.next() < 0.12)
      return hostile();
    if (part instanceof Map) {
      const pairs = [...part];
      const at = randomBelow(random, Math.max(1, pairs.length));
      return new Map(pairs.map(([key, each], index) => [key, index === at ? walk(each) : each]));
    }
    if (Array.isArray(part)) {
      if (part.length === 0) return [hostile()];
      const at = randomBelow(random, part.length);
      const kind = random.next();
      if (kind < 0.1) return part.filter((_, index) => index !== at);
      if (kind < 0.2) return [...part, part[at]];
      return part.map((each: unknown, index) => (index === at ? walk(each) : each));
    }
    const names = Object.keys(part);
    const name = names[randomBelow(random, names.length)];
    if (name === undefined) return hostile();
    const changed: Record<string, unknown> = { ...part };
    if (random.next() < 0.1) delete changed[name];
    else changed[name] = walk(changed[name]);
    return changed;
  };
  return walk(value);
}

function forgedBytes(bytes: Uint8Array, random: RandomStream): Uint8Array {
  try {
    return encode(forgedPart(decode(bytes), random));
  } catch {
    // It cannot be written: these bytes stay as they are.
    return bytes;
  }
}

function manifestOf(image: StoreImage): { readonly key: Uint8Array; readonly manifest: Manifest } {
  const [row] = image.rows(MANIFESTS);
  if (row === undefined) throw new Error('there is no manifest');
  return { key: row.key, manifest: decode(row.value.subarray(16)) as Manifest };
}

/** Items of lists are bytes in bytes: positions of sources, transactions of sinks, what windows know of time. */
function forgedItem(manifest: Manifest, random: RandomStream): Manifest {
  const lists = manifest.operators.flatMap(({ subtasks }) => subtasks.flatMap((each) => each?.lists ?? []));
  const full = lists.filter(({ items }) => items.length > 0);
  const chosen = full[randomBelow(random, full.length)];
  return {
    ...manifest,
    operators: manifest.operators.map((operator) => ({
      ...operator,
      subtasks: operator.subtasks.map((subtask) =>
        subtask === null
          ? null
          : {
              ...subtask,
              lists: subtask.lists.map((list) =>
                list === chosen
                  ? {
                      ...list,
                      items: list.items.map((item, at) => (at === 0 ? forgedBytes(item, random) : item)),
                    }
                  : list,
              ),
            },
      ),
    })),
  };
}

function forgedChunk(chunk: Uint8Array, random: RandomStream): Uint8Array {
  const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  const frames: Uint8Array[] = [];
  for (let at = 1; at < chunk.byteLength; ) {
    const end = at + 4 + view.getUint32(at);
    frames.push(chunk.subarray(at + 4, end));
    at = end;
  }
  const chosen = randomBelow(random, frames.length);
  const parts = frames.map((bytes, index) => (index === chosen ? forgedBytes(bytes, random) : bytes));
  const made = new Uint8Array(parts.reduce((sum, part) => sum + 4 + part.length, 1));
  made[0] = chunk[0] ?? 1;
  let at = 1;
  for (const part of parts) {
    new DataView(made.buffer).setUint32(at, part.length);
    made.set(part, at + 4);
    at += 4 + part.length;
  }
  return made;
}

/** Forges the manifest, an item in it, or a chunk of state, and answers which. */
export function forged(image: StoreImage, random: RandomStream): string {
  const { key, manifest } = manifestOf(image);
  const kind = ['manifest', 'item', 'item', 'chunk', 'chunk'][randomBelow(random, 5)];
  if (kind === 'chunk') {
    const segments = segmentsOf(manifest).filter(({ chunks }) => chunks > 0);
    const segment = segments[randomBelow(random, segments.length)];
    const rows = image.rows(CHUNKS).filter((row) => {
      const [checkpoint, attempt, operator, subtask] = decodeStoreKey(row.key);
      return (
        JSON.stringify([checkpoint, attempt, operator, subtask]) ===
        JSON.stringify([segment?.checkpoint, segment?.attempt, segment?.operator, segment?.subtask])
      );
    });
    const row = rows[0];
    if (segment === undefined || row === undefined) return 'nothing';
    const identity = chunkIdentity(segment, 0);
    const intact = unframe(identity, row.value);
    if (intact.kind !== 'intact') return 'nothing';
    image.damage(CHUNKS, row.key, () => frame(identity, forgedChunk(intact.payload, random)));
    return `chunk of ${segment.operator}`;
  }
  const made =
    kind === 'manifest' ? (forgedPart(manifest, random) as Manifest) : forgedItem(manifest, random);
  let bytes: Uint8Array;
  try {
    bytes = manifestValue({ ...made, checkpoint: manifest.checkpoint, attempt: manifest.attempt });
  } catch {
    return 'nothing';
  }
  image.damage(MANIFESTS, key, () => bytes);
  return String(kind);
}
