// Keyed state: updates per second against a bare Map in the same run, and a snapshot of a million entries.
//
// Run:     node --conditions=weir-source --import tsx bench/state.ts [--json]
// Not measured: the store behind the chunks, records between the slices (only their pauses are).

import { SNAPSHOT_SLICE_ENTRIES } from '../src/base/limits.js';
import { KeyedBackend } from '../src/state/keyed-backend.js';

const RECORDS = 1 << 20;
const ROUNDS = 9;
const SNAPSHOT_ENTRIES = 1_000_000;

interface Sum {
  count: number;
  sum: number;
  max: number;
}

interface Row {
  readonly name: string;
  readonly keys: number;
  readonly perSecondM: number;
  readonly ratio: number;
}

/** Deterministic keys, uniform over `distinct`. */
function keysOf(distinct: number): number[] {
  let state = 7;
  return Array.from({ length: RECORDS }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return 1_000 + Math.floor(((state >>> 0) / 2 ** 32) * distinct);
  });
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

/**
 * Millions of updates per second of each variant, median of the rounds after two to warm up. The variants take turns, so that
 * a busy machine slows all of them down alike. The first one is the base of the ratios.
 */
function measure(distinct: number, variants: readonly (readonly [name: string, round: () => void])[]): Row[] {
  const speeds = variants.map((): number[] => []);
  for (let index = 0; index < ROUNDS + 2; index += 1) {
    for (const [at, [, round]] of variants.entries()) {
      const began = performance.now();
      round();
      if (index >= 2) speeds[at]?.push(RECORDS / (performance.now() - began) / 1_000);
    }
  }
  const medians = speeds.map(median);
  return variants.map(([name], at) => {
    const perSecondM = medians[at] ?? Number.NaN;
    return { name, keys: distinct, perSecondM, ratio: perSecondM / (medians[0] ?? Number.NaN) };
  });
}

function newBackend(): KeyedBackend {
  return new KeyedBackend({
    operator: 'bench',
    subtask: 0,
    maxParallelism: 128,
    range: { from: 0, to: 127 },
    freeze: false,
    processingTimeMs: () => 0,
  });
}

function add(sum: Sum, value: number): void {
  sum.count += 1;
  sum.sum += value;
  if (value > sum.max) sum.max = value;
}

function updates(distinct: number): Row[] {
  const keys = keysOf(distinct);
  const texts = keys.map((key) => `user-${key}`);
  return [
    ...measure(distinct, [
      ['bare Map<number, object>', bareUpdates(keys)],
      ['window: get, touch, change', windowUpdates(keys)],
      ['value: get and set a number', valueUpdates(keys)],
      ['reducing: add', reducingUpdates(keys)],
    ]),
    ...measure(distinct, [
      ['bare Map<string, object>', bareUpdates(texts)],
      ['window with string keys', windowUpdates(texts)],
    ]),
  ];
}

function bareUpdates<K>(keys: readonly K[]): () => void {
  const sums = new Map<K, Sum>();
  return () => {
    for (let i = 0; i < keys.length; i += 1) {
      const key = keys[i] as K;
      let sum = sums.get(key);
      if (sum === undefined) {
        sum = { count: 0, sum: 0, max: 0 };
        sums.set(key, sum);
      }
      add(sum, i);
    }
  };
}

function windowUpdates(keys: readonly (number | string)[]): () => void {
  const backend = newBackend();
  const windows = backend.windows<Sum>('sums');
  return () => {
    for (let i = 0; i < keys.length; i += 1) {
      backend.setKey(keys[i]);
      const entry = windows.get(0, 10) ?? windows.put(0, 10, { count: 0, sum: 0, max: 0 });
      windows.touch(entry);
      add(entry.value, i);
    }
  };
}

function valueUpdates(keys: readonly number[]): () => void {
  const backend = newBackend();
  const count = backend.value<number>('count');
  return () => {
    for (let i = 0; i < keys.length; i += 1) {
      backend.setKey(keys[i]);
      count.set((count.get() ?? 0) + 1);
    }
  };
}

function reducingUpdates(keys: readonly number[]): () => void {
  const backend = newBackend();
  const sum = backend.reducing<number>('sum', { reduce: (a, b) => a + b });
  return () => {
    for (let i = 0; i < keys.length; i += 1) {
      backend.setKey(keys[i]);
      sum.add(1);
    }
  };
}

interface SnapshotRow {
  readonly name: string;
  readonly ms: number;
  readonly longestSliceMs: number;
  readonly sliceP50Ms: number;
  readonly megabytes: number;
  readonly full: boolean;
}

/** One snapshot; `between` runs between slices, as records do. */
function snapshot(backend: KeyedBackend, name: string, checkpoint: number, between: () => void): SnapshotRow {
  const walk = backend.beginSnapshot({ checkpoint, baseCheckpoint: checkpoint - 1 });
  const slices: number[] = [];
  let bytes = 0;
  for (let done = false; !done; ) {
    const began = performance.now();
    const slice = walk.next(SNAPSHOT_SLICE_ENTRIES);
    slices.push(performance.now() - began);
    for (const chunk of slice.chunks) bytes += chunk.byteLength;
    done = slice.done;
    between();
  }
  backend.onCheckpointComplete(checkpoint);
  return {
    name,
    ms: slices.reduce((a, b) => a + b, 0),
    longestSliceMs: Math.max(...slices),
    sliceP50Ms: median(slices),
    megabytes: bytes / 1e6,
    full: walk.full,
  };
}

function snapshots(): { readonly rows: SnapshotRow[]; readonly restoreMs: number } {
  const backend = newBackend();
  const windows = backend.windows<Sum>('sums');
  const touch = (key: number): void => {
    backend.setKey(key);
    const entry = windows.get(0, 10) ?? windows.put(0, 10, { count: 0, sum: 0, max: 0 });
    windows.touch(entry);
    add(entry.value, key);
  };
  for (let key = 0; key < SNAPSHOT_ENTRIES; key += 1) touch(key);
  let at = 0;
  const records = (): void => {
    for (let i = 0; i < 256; i += 1) {
      at = (at + 7_919) % SNAPSHOT_ENTRIES;
      touch(at);
    }
  };
  // The first ones warm up the encoder.
  for (const checkpoint of [1, 2]) snapshot(backend, 'warm-up', checkpoint * 10, () => {});
  const rows = [snapshot(backend, 'full, nothing else', 30, () => {})];
  rows.push(snapshot(backend, 'full, 256 updates between slices', 100, records));
  for (let key = 0; key < SNAPSHOT_ENTRIES; key += 100) touch(key);
  rows.push(snapshot(backend, 'increment, all updates since', 101, () => {}));
  for (let key = 0; key < SNAPSHOT_ENTRIES; key += 100) touch(key);
  rows.push(snapshot(backend, 'increment, 1 % changed', 102, () => {}));
  return { rows, restoreMs: restoreTime(backend) };
}

function restoreTime(backend: KeyedBackend): number {
  const walk = backend.beginSnapshot({ checkpoint: 1_000, baseCheckpoint: null });
  const { chunks } = walk.next(Number.MAX_SAFE_INTEGER);
  const restored = newBackend();
  const began = performance.now();
  restored.restore([chunks]);
  return performance.now() - began;
}

const rows = [1_000, 100_000, 1_000_000].flatMap(updates);
const { rows: snapshotRows, restoreMs } = snapshots();
if (process.argv.includes('--json')) {
  console.log(JSON.stringify({ node: process.version, updates: rows, snapshots: snapshotRows, restoreMs }));
} else {
  for (const { name, keys, perSecondM, ratio } of rows) {
    console.log(
      `${String(keys).padStart(8)} keys  ${name.padEnd(30)} ${perSecondM.toFixed(1).padStart(6)} M/s  ${ratio.toFixed(2)}`,
    );
  }
  for (const { name, ms, longestSliceMs, sliceP50Ms, megabytes, full } of snapshotRows) {
    const figures = `${ms.toFixed(0).padStart(5)} ms in slices, longest ${longestSliceMs.toFixed(2)} ms, median ${sliceP50Ms.toFixed(3)} ms`;
    console.log(
      `${SNAPSHOT_ENTRIES} entries: ${name.padEnd(36)} ${figures}, ${megabytes.toFixed(1)} MB${full ? '' : ' (increment)'}`,
    );
  }
  console.log(`${SNAPSHOT_ENTRIES} entries: restore ${restoreMs.toFixed(0)} ms`);
}
