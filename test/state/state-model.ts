// A second, naive implementation of keyed state, and the operations that drive both. The model holds plain Maps and is
// cloned whole at each barrier: what it says is what a snapshot must contain.

import fc from 'fast-check';
import type {
  AggregatingState,
  ListState,
  MapState,
  ReducingState,
  ValueState,
} from '../../src/state/descriptors.js';
import { KeyedBackend } from '../../src/state/keyed-backend.js';
import type { WindowTable } from '../../src/state/window-table.js';

export const KEYS = [1, 'one', 2n, true, 'ключ', { b: 1, a: [2] }] as const;
const MAP_KEYS = ['x', 7, 'y'] as const;
export const WINDOWS = [
  [0, 10],
  [10, 20],
  [5, 30],
] as const;
const TIMES = [1, 5, 9] as const;

interface Sum {
  n: number;
  items: number[];
}

export interface Model {
  value: Map<number, unknown>;
  list: Map<number, unknown[]>;
  map: Map<number, Map<unknown, unknown>>;
  reducing: Map<number, number>;
  aggregating: Map<number, Sum>;
  windows: Map<string, Map<number, Sum>>;
  timers: Set<string>;
}

export function emptyModel(): Model {
  return {
    value: new Map(),
    list: new Map(),
    map: new Map(),
    reducing: new Map(),
    aggregating: new Map(),
    windows: new Map(),
    timers: new Set(),
  };
}

export type Operation =
  | {
      readonly kind: 'value' | 'edit' | 'listAdd' | 'listSet' | 'reduce' | 'aggregate';
      readonly key: number;
      readonly n: number;
    }
  | { readonly kind: 'clear'; readonly key: number; readonly n: number }
  | { readonly kind: 'mapSet' | 'mapDelete' | 'mapClear'; readonly key: number; readonly n: number }
  | { readonly kind: 'window' | 'windowDelete' | 'windowDrop'; readonly key: number; readonly n: number }
  | { readonly kind: 'timer' | 'timerDelete' | 'advance'; readonly key: number; readonly n: number }
  | { readonly kind: 'begin' | 'slice' | 'cancel' | 'complete'; readonly key: number; readonly n: number };

const KINDS: readonly Operation['kind'][] = [
  ...([
    'value',
    'edit',
    'listAdd',
    'listSet',
    'reduce',
    'aggregate',
    'clear',
    'mapSet',
    'mapDelete',
    'mapClear',
  ] as const),
  ...([
    'window',
    'window',
    'windowDelete',
    'windowDrop',
    'timer',
    'timer',
    'timerDelete',
    'advance',
  ] as const),
  ...(['begin', 'slice', 'slice', 'slice', 'cancel', 'complete', 'complete'] as const),
];

export const operations: fc.Arbitrary<Operation[]> = fc.array(
  fc.record({
    kind: fc.constantFrom(...KINDS),
    key: fc.nat(KEYS.length - 1),
    n: fc.nat(5),
  }) as fc.Arbitrary<Operation>,
  { minLength: 10, maxLength: 120 },
);

export interface OpenStates {
  readonly backend: KeyedBackend;
  readonly value: ValueState<unknown>;
  readonly list: ListState<unknown>;
  readonly map: MapState<unknown, unknown>;
  readonly reducing: ReducingState<number>;
  readonly aggregating: AggregatingState<number, Sum>;
  readonly windows: WindowTable<Sum>;
}

export function newBackend(freeze: boolean, range = { from: 0, to: 127 }, subtask = 0): KeyedBackend {
  return new KeyedBackend({
    operator: 'model',
    subtask,
    maxParallelism: 128,
    range,
    freeze,
    processingTimeMs: () => 0,
  });
}

export function openStates(backend: KeyedBackend): OpenStates {
  return {
    backend,
    value: backend.value<unknown>('value'),
    list: backend.list<unknown>('list'),
    map: backend.map<unknown, unknown>('map'),
    reducing: backend.reducing<number>('reducing', { reduce: (a, b) => a + b }),
    aggregating: backend.aggregating<number, Sum, Sum>('aggregating', {
      aggregate: {
        createAccumulator: () => ({ n: 0, items: [] }),
        // In place, as people write it.
        add: (acc, x) => {
          acc.n += x;
          acc.items.push(x);
          return acc;
        },
        getResult: (acc) => acc,
      },
    }),
    windows: backend.windows<Sum>('windows'),
  };
}

/** Carries an operation out on both. Operations on snapshots are the caller's. */
export function apply(states: OpenStates, model: Model, op: Operation, freeze: boolean): void {
  const { backend } = states;
  const { key, n } = op;
  backend.setKey(KEYS[key]);
  switch (op.kind) {
    case 'value':
      states.value.set({ n, deep: [n] });
      model.value.set(key, { n, deep: [n] });
      return;
    case 'edit':
      return edit(states, model, key, n, freeze);
    case 'listAdd':
      states.list.add({ n });
      model.list.set(key, [...(model.list.get(key) ?? []), { n }]);
      return;
    case 'listSet': {
      const items = Array.from({ length: n }, (_, i) => i);
      states.list.set(items);
      if (n === 0) model.list.delete(key);
      else model.list.set(key, items);
      return;
    }
    case 'reduce':
      states.reducing.add(n + 1);
      model.reducing.set(key, (model.reducing.get(key) ?? 0) + n + 1);
      return;
    case 'aggregate':
      states.aggregating.add(n);
      fold(model.aggregating, key, n);
      return;
    case 'clear':
      return clear(states, model, key, n);
    default:
      applyNamespaced(states, model, op);
  }
}

/** The object that came out is changed and handed back. Frozen objects must be copied for that. */
function edit(states: OpenStates, model: Model, key: number, n: number, freeze: boolean): void {
  const got = states.value.get() as { n: number; deep: number[] } | undefined;
  if (got === undefined) return;
  const changed = freeze ? { n: got.n, deep: [...got.deep] } : got;
  changed.n += n;
  changed.deep.push(n);
  states.value.set(changed);
  model.value.set(key, structuredClone(changed));
}

function clear(states: OpenStates, model: Model, key: number, n: number): void {
  if (n === 0) states.value.set(null);
  if (n <= 1) {
    states.value.clear();
    model.value.delete(key);
  } else if (n === 2) {
    states.list.clear();
    model.list.delete(key);
  } else if (n === 3) {
    states.reducing.clear();
    model.reducing.delete(key);
  } else {
    states.aggregating.clear();
    model.aggregating.delete(key);
  }
}

function applyNamespaced(states: OpenStates, model: Model, op: Operation): void {
  const { backend, windows } = states;
  const { key, n } = op;
  const mapKey = MAP_KEYS[n % MAP_KEYS.length];
  const [start, end] = WINDOWS[n % WINDOWS.length] ?? [0, 10];
  const name = `${start}:${end}`;
  const time = TIMES[n % TIMES.length] ?? 1;
  const window = n % 2 === 0 ? null : { start, end };
  const timer = JSON.stringify([key, time, window]);
  switch (op.kind) {
    case 'mapSet':
      states.map.set(mapKey, { n });
      model.map.set(key, new Map(model.map.get(key)).set(mapKey, { n }));
      return;
    case 'mapDelete':
      states.map.delete(mapKey);
      model.map.get(key)?.delete(mapKey);
      if (model.map.get(key)?.size === 0) model.map.delete(key);
      return;
    case 'mapClear':
      states.map.clear();
      model.map.delete(key);
      return;
    case 'window': {
      const entry = windows.get(start, end) ?? windows.put(start, end, { n: 0, items: [] });
      windows.touch(entry);
      entry.value.n += n;
      entry.value.items.push(n);
      const keys = model.windows.get(name) ?? new Map<number, Sum>();
      fold(keys, key, n);
      model.windows.set(name, keys);
      return;
    }
    case 'windowDelete':
      windows.delete(start, end);
      model.windows.get(name)?.delete(key);
      if (model.windows.get(name)?.size === 0) model.windows.delete(name);
      return;
    case 'windowDrop':
      windows.drop(start, end);
      model.windows.delete(name);
      return;
    case 'timer':
      backend.timers.registerEvent(time, window);
      model.timers.add(timer);
      return;
    case 'timerDelete':
      backend.timers.deleteEvent(time, window);
      model.timers.delete(timer);
      return;
    case 'advance':
      backend.timers.advanceEvent(
        time,
        () => {},
        () => false,
      );
      for (const each of model.timers)
        if ((JSON.parse(each) as [number, number])[1] <= time) model.timers.delete(each);
      return;
    default:
      return;
  }
}

function fold(sums: Map<number, Sum>, key: number, n: number): void {
  const sum = sums.get(key) ?? { n: 0, items: [] };
  sum.n += n;
  sum.items.push(n);
  sums.set(key, sum);
}

/** Everything that a backend holds, read through its public face. Timers are read by firing them: it is used up. */
export function read(states: OpenStates): Model {
  const model = emptyModel();
  const { backend } = states;
  KEYS.forEach((given, key) => {
    backend.setKey(given);
    if (states.value.get() !== undefined) model.value.set(key, states.value.get());
    if (states.list.get().length > 0) model.list.set(key, [...states.list.get()]);
    if (!states.map.isEmpty()) model.map.set(key, new Map(states.map.entries()));
    const reduced = states.reducing.get();
    if (reduced !== undefined) model.reducing.set(key, reduced);
    const aggregated = states.aggregating.get();
    if (aggregated !== undefined) model.aggregating.set(key, aggregated);
  });
  for (const { start, end } of states.windows.windows()) {
    const keys = new Map<number, Sum>();
    for (const entry of states.windows.entries(start, end)) {
      backend.setMapKey(entry.key);
      keys.set(indexOfKey(backend.currentKey()), entry.value);
    }
    model.windows.set(`${start}:${end}`, keys);
  }
  backend.timers.advanceEvent(
    100,
    (key, window, time) => model.timers.add(JSON.stringify([indexOfKey(key), time, window])),
    () => false,
  );
  return model;
}

function indexOfKey(key: unknown): number {
  return KEYS.findIndex((each) => show(each) === show(key));
}

function show(key: unknown): string {
  if (typeof key !== 'object' || key === null) return `${typeof key} ${String(key)}`;
  return JSON.stringify(Object.entries(key).sort());
}
