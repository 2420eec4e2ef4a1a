// Ways to spoil a stored savepoint: as a disk does, and as somebody does who knows the format.
//
// Owns:    one change of one row, chosen by a random stream.
// Not:     what must come of it (savepoint-fuzz.test.ts).

import { checksum } from '../../src/base/checksum.js';
import { decode, encode, isGraph } from '../../src/base/codec.js';
import { randomBelow } from '../../src/base/random-stream.js';
import type { RandomStream } from '../../src/base/runtime.js';
import type { Manifest } from '../../src/checkpoint/manifest.js';
import { CHUNKS, MANIFESTS, META } from '../../src/checkpoint/store-rows.js';
import type { StoreImage } from '../../src/testing/virtual-stores.js';

const HEADER_BYTES = 16;
const TABLES = [META, MANIFESTS, CHUNKS];

interface Row {
  readonly table: string;
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

function pick<T>(random: RandomStream, items: readonly T[]): T {
  if (items.length === 0) throw new Error('there is nothing to choose from');
  return items[randomBelow(random, items.length)] as T;
}

function rowsOf(image: StoreImage): Row[] {
  return TABLES.flatMap((table) => image.rows(table).map(({ key, value }) => ({ table, key, value })));
}

// ---------------------------------------------------------------- as a disk does

/** Answers in words what it did. */
export function damageRow(image: StoreImage, random: RandomStream): string {
  const rows = rowsOf(image);
  const row = pick(random, rows);
  const at = randomBelow(random, Math.max(1, row.value.length));
  const kind = pick(random, ['flip', 'cut', 'remove', 'copy', 'swap', 'noise'] as const);
  const other = pick(random, rows);
  const bit = randomBelow(random, 8);
  const put = (into: Row, value: Uint8Array | null): void => image.damage(into.table, into.key, () => value);
  switch (kind) {
    case 'flip':
      put(
        row,
        row.value.map((byte, index) => (index === at ? byte ^ (1 << bit) : byte)),
      );
      break;
    case 'cut':
      put(row, row.value.slice(0, at));
      break;
    case 'remove':
      put(row, null);
      break;
    case 'copy':
      put(row, other.value.slice());
      break;
    case 'swap':
      put(row, other.value.slice());
      put(other, row.value.slice());
      break;
    default:
      put(
        row,
        row.value.map((byte, index) => (index < at ? byte : randomBelow(random, 256))),
      );
  }
  return `${kind} of a row of ${row.table} at ${at}`;
}

// ---------------------------------------------------------------- as somebody does who knows the format

/** Stands for bytes that the codec would refuse to write. */
const MARK = '<here go the bytes>';

const repeated = (byte: number, times: number, end: readonly number[] = [0xc0]): Uint8Array =>
  Uint8Array.from([...new Array<number>(times).fill(byte), ...end]);

/** msgpack that no codec writes: deep, endless, or of absurd length. */
const RAW: readonly Uint8Array[] = [
  repeated(0x91, 1_400),
  repeated(0x91, 100_000),
  repeated(0x81, 60_000, [0xc0, 0xc0]),
  Uint8Array.from([0xdd, 0xff, 0xff, 0xff, 0xff]),
  Uint8Array.from([0xdf, 0xff, 0xff, 0xff, 0xff]),
  Uint8Array.from([0xdb, 0xff, 0xff, 0xff, 0xff]),
  Uint8Array.from([0xc6, 0xff, 0xff, 0xff, 0xff]),
  Uint8Array.from([0xc9, 0xff, 0xff, 0xff, 0xff, 0x62]),
  Uint8Array.from([0xd6, 0x70, 0, 0, 0, 9]),
  Uint8Array.from([0xd4, 0x72, 0x40, 0x91, 0xa1, 0x78, 0x40]),
  Uint8Array.from([0xc7, 0x02, 0x65, 0x92, 0xa4]),
];

/** A graph that the codec has not made. */
function graph(nodes: readonly unknown[]): Uint8Array {
  return Uint8Array.from([0xc1, 1, ...encode([[0], nodes, []])]);
}

const GRAPHS: readonly (() => Uint8Array)[] = [
  () => graph([['h', 2 ** 32 - 1, [], []]]),
  () => graph([['h', 30_000_000, [], []]]),
  () => graph([['h', 2 ** 40, ['__proto__'], [1]]]),
  () => graph([['o', ['__proto__', 'then'], [[0], 1]]]),
  () => graph(Array.from({ length: 3_000 }, (_, index) => ['a', [[index + 1]]])),
  () => graph([['t', 0, 1]]),
  () => graph([]),
];

const HOSTILE: readonly unknown[] = [
  '../../etc/secret',
  '/etc/secret',
  '/in/../etc/secret',
  '.',
  '',
  '\u0000B12x',
  '\u0000J{',
  '\u001b[31m',
  '__proto__',
  'x'.repeat(100_000),
  Number.NaN,
  Number.POSITIVE_INFINITY,
  -1,
  0,
  0.5,
  2 ** 31,
  2 ** 53,
  1e308,
  9n ** 99n,
  null,
  undefined,
  true,
  false,
  [],
  {},
  [[]],
  new Map(),
  new Uint8Array(3),
  new Date(Number.NaN),
];

export interface Tampering {
  /** Of the operators of the job: each takes the place of another. */
  readonly uids: readonly string[];
}

/** Changes the manifest and makes its checksum right. */
export function changeManifest(image: StoreImage, change: (manifest: Manifest) => unknown): void {
  const row = rowsOf(image).find(({ table }) => table === MANIFESTS);
  if (row === undefined) throw new Error('there is a manifest');
  const manifest = decode(row.value.subarray(HEADER_BYTES)) as Manifest;
  const changed = reframed(row.value, encode(change(manifest)));
  image.damage(row.table, row.key, () => changed);
}

/** Changes one value of one row and makes its checksum right. Answers in words what it did. */
export function tamperWithRow(image: StoreImage, random: RandomStream, { uids }: Tampering): string {
  // Most of what a reader has to believe is in manifests, in the lists of sources and sinks.
  const table = pick(random, [META, MANIFESTS, MANIFESTS, MANIFESTS, CHUNKS, CHUNKS]);
  const row = pick(
    random,
    rowsOf(image).filter((each) => each.table === table && each.value.length > HEADER_BYTES),
  );
  const surgery = new Surgery(random, uids);
  const changed = tampered(row, surgery);
  image.damage(row.table, row.key, () => changed);
  return `${surgery.said} in a row of ${row.table}`;
}

function tampered({ table, value }: Row, surgery: Surgery): Uint8Array {
  const payload = value.subarray(HEADER_BYTES);
  // The row of the identity is JSON without a frame.
  if (value[0] === 0x7b) return surgery.json(value);
  if (table === META) return reframed(value, surgery.json(payload));
  return reframed(value, table === MANIFESTS ? surgery.encoded(payload) : surgery.chunk(payload));
}

function reframed(old: Uint8Array, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + payload.byteLength);
  // Version, and the checksum of what the row is.
  bytes.set(old.subarray(0, HEADER_BYTES));
  bytes.set(payload, HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(4, payload.byteLength, true);
  view.setUint32(8, checksum(payload), true);
  return bytes;
}

interface Place {
  readonly path: string;
  readonly value: unknown;
  set(value: unknown): void;
}

class Surgery {
  said = 'nothing';
  private readonly random: RandomStream;
  private readonly uids: readonly string[];

  constructor(random: RandomStream, uids: readonly string[]) {
    this.random = random;
    this.uids = uids;
  }

  json(payload: Uint8Array): Uint8Array {
    const root = { root: JSON.parse(Buffer.from(payload).toString('utf8')) as unknown };
    this.replaceIn(root);
    const text = JSON.stringify(root.root, (_, value: unknown) =>
      typeof value === 'bigint' ? String(value) : value,
    );
    const deep = pick(this.random, [false, false, false, true]);
    return Buffer.from(deep ? `${'['.repeat(50_000)}${']'.repeat(50_000)}` : (text ?? ''));
  }

  chunk(payload: Uint8Array): Uint8Array {
    const frames: Uint8Array[] = [];
    for (let at = 1; at < payload.length; ) {
      const end = at + 4 + Buffer.from(payload).readUInt32BE(at);
      frames.push(payload.slice(at + 4, end));
      at = end;
    }
    const which = randomBelow(this.random, frames.length);
    frames[which] = this.encoded(frames[which] ?? new Uint8Array(0));
    const lengthOf = (frame: Uint8Array, index: number): number =>
      index === which && randomBelow(this.random, 20) === 0 ? 0xffff_ffff : frame.length;
    const parts = frames.flatMap((frame, index) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(lengthOf(frame, index));
      return [length, frame];
    });
    return Buffer.concat([payload.subarray(0, 1), ...parts]);
  }

  encoded(bytes: Uint8Array): Uint8Array {
    if (randomBelow(this.random, 30) === 0) {
      this.said = 'a graph in place of all';
      return pick(this.random, GRAPHS)();
    }
    const root = { root: decode(bytes) };
    const raw = this.replaceIn(root);
    const changed = encode(root.root);
    return raw === null ? changed : spliced(changed, raw);
  }

  /** Replaces one value anywhere in `root`. Answers the bytes that are to stand where the mark is. */
  private replaceIn(root: object): Uint8Array | null {
    const place = pick(this.random, placesIn(root));
    const { value } = place;
    if (value instanceof Uint8Array && value.length > 1 && randomBelow(this.random, 5) > 0) {
      this.said = 'nothing';
      place.set(this.encoded(value));
      this.said = `${place.path}, inside: ${this.said}`;
      return null;
    }
    if (Array.isArray(value) && value.length > 0 && randomBelow(this.random, 3) === 0) {
      const twice = [...(value as unknown[]), ...(value as unknown[])];
      place.set(randomBelow(this.random, 2) === 0 ? twice : value.slice(1));
      this.said = `${place.path} has other items`;
      return null;
    }
    if (this.uids.includes(value as string) && randomBelow(this.random, 2) === 0) {
      place.set(pick(this.random, this.uids));
      this.said = `${place.path} is of another operator`;
      return null;
    }
    if (typeof value === 'boolean' && randomBelow(this.random, 2) === 0) {
      place.set(!value);
      this.said = `${place.path} is turned`;
      return null;
    }
    if (randomBelow(this.random, 6) === 0) {
      this.said = `${place.path} is raw`;
      place.set(MARK);
      return pick(this.random, RAW);
    }
    const hostile = pick(this.random, HOSTILE);
    this.said = `${place.path} is ${String(hostile).slice(0, 20)}`;
    place.set(hostile);
    return null;
  }
}

function placesIn(root: object): Place[] {
  const places: Place[] = [];
  const visit = (value: unknown, path: string): void => {
    if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return;
    if (value instanceof Map) {
      for (const [key, part] of value) {
        places.push({
          path: `${path}.${String(key)}`,
          value: part,
          set: (other) => void value.set(key, other),
        });
        visit(part, `${path}.${String(key)}`);
      }
      return;
    }
    for (const [key, part] of Object.entries(value)) {
      const at = `${path}.${key}`;
      places.push({ path: at, value: part, set: (other) => void Reflect.set(value, key, other) });
      visit(part, at);
    }
    // A field that nobody expects, such as one that says a split was announced.
    if (!Array.isArray(value) && path !== '')
      places.push({
        path: `${path}.announced`,
        value: true,
        set: (other) => void Reflect.set(value, 'announced', other),
      });
  };
  visit(root, '');
  return places;
}

/** `bytes` with `raw` in place of the mark. */
function spliced(bytes: Uint8Array, raw: Uint8Array): Uint8Array {
  if (isGraph(bytes)) return bytes;
  const all = Buffer.from(bytes);
  const at = all.indexOf(MARK);
  // Before it stands one byte with its length.
  return at < 1 ? bytes : Buffer.concat([all.subarray(0, at - 1), raw, all.subarray(at + MARK.length)]);
}
