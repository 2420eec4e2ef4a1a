// A second, naive implementation of state with a time to live (semantics 4.8 to 4.13), and the steps that drive both. The model
// keeps every entry with the time of its last access and removes only what an access removes by the rules; background cleanup
// is none of its business, so where it may be seen (`returnExpiredIfNotCleanedUp`) it is off.

import fc from 'fast-check';
import type { TtlOptions } from '../../src/state/descriptors.js';
import { keyGroupOf, keyGroupRange } from '../../src/state/key-groups.js';
import { hashKey } from '../../src/state/key-hash.js';
import { KeyedBackend } from '../../src/state/keyed-backend.js';
import type { TestClock } from './backends.js';

export const TTL_MS = 20;
const KEYS = ['a', 'b'] as const;
const MAP_KEYS = ['v', 'w', 'x', 'y', 'z'] as const;
const MAX_PARALLELISM = 8;

export interface Mode {
  readonly update: 'onCreateAndWrite' | 'onReadAndWrite';
  readonly visibility: 'neverReturnExpired' | 'returnExpiredIfNotCleanedUp';
  readonly entriesPerAccess: number;
  readonly onEveryRecord: boolean;
  readonly onFullSnapshot: boolean;
}

export const modes: fc.Arbitrary<Mode> = fc
  .record({
    update: fc.constantFrom('onCreateAndWrite' as const, 'onReadAndWrite' as const),
    visibility: fc.constantFrom('neverReturnExpired' as const, 'returnExpiredIfNotCleanedUp' as const),
    entriesPerAccess: fc.constantFrom(0, 1, 1, 1, 2, 5),
    onEveryRecord: fc.boolean(),
    onFullSnapshot: fc.boolean(),
  })
  .map((mode) =>
    mode.visibility === 'neverReturnExpired'
      ? mode
      : { ...mode, entriesPerAccess: 0, onEveryRecord: false, onFullSnapshot: false },
  );

export function ttlOf(mode: Mode, ttlMs = TTL_MS): TtlOptions {
  const { update, visibility, entriesPerAccess, onEveryRecord, onFullSnapshot } = mode;
  return { ttlMs, update, visibility, cleanup: { entriesPerAccess, onEveryRecord, onFullSnapshot } };
}

const USES = [
  ...(['value.get', 'value.set', 'value.clear'] as const),
  ...(['list.get', 'list.add', 'list.add', 'list.set', 'list.clear'] as const),
  ...([
    'map.get',
    'map.set',
    'map.set',
    'map.set',
    'map.set',
    'map.set',
    'map.set',
    'map.set',
    'map.set',
    'map.set',
    'map.delete',
    'map.has',
    'map.clear',
    'map.clear',
  ] as const),
  ...(['map.entries', 'map.keys', 'map.values', 'map.first', 'map.size', 'map.isEmpty'] as const),
  ...(['reducing.add', 'reducing.get', 'reducing.clear'] as const),
  ...(['aggregating.add', 'aggregating.get', 'aggregating.clear'] as const),
];
type Use = (typeof USES)[number];

export type Step =
  | {
      readonly kind: 'use';
      readonly use: Use;
      readonly key: number;
      readonly mapKey: number;
      readonly n: number;
    }
  | { readonly kind: 'wait'; readonly ms: number }
  /** A snapshot of all subtasks whose slices come between the next steps. */
  | { readonly kind: 'begin'; readonly full: boolean }
  | { readonly kind: 'slice'; readonly entries: number }
  | { readonly kind: 'restore'; readonly parallelism: number };

export const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 12,
      arbitrary: fc.record({
        kind: fc.constant('use' as const),
        use: fc.constantFrom(...USES),
        key: fc.nat(KEYS.length - 1),
        mapKey: fc.nat(MAP_KEYS.length - 1),
        n: fc.nat(4),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.constantFrom(1, 9, 10, 20, 20, 21) }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('begin' as const), full: fc.boolean() }) },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant('slice' as const), entries: fc.integer({ min: 1, max: 4 }) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('restore' as const),
        parallelism: fc.integer({ min: 1, max: 3 }),
      }),
    },
  ),
  { minLength: 5, maxLength: 100 },
);

// ---------------------------------------------------------------- the model

interface Held {
  at: number;
  value: unknown;
}

/** By state, key and map key or list index. */
export interface TtlModel {
  cells: Map<string, Held>;
  lists: Map<string, Held[]>;
  maps: Map<string, Map<string, Held>>;
}

export function emptyTtlModel(): TtlModel {
  return { cells: new Map(), lists: new Map(), maps: new Map() };
}

/** What the step answers by the rules. */
export function useModel(
  model: TtlModel,
  mode: Mode,
  nowMs: number,
  step: Extract<Step, { kind: 'use' }>,
): unknown {
  const key = KEYS[step.key] ?? '';
  const [state = '', operation = ''] = step.use.split('.');
  const rules = new Rules(mode, nowMs);
  if (state === 'list') return useList(model, rules, key, operation, step.n);
  if (state === 'map') return useMap(model, rules, key, operation, MAP_KEYS[step.mapKey] ?? '', step.n);
  const id = `${state}/${key}`;
  if (operation === 'clear') return void model.cells.delete(id);
  if (operation === 'get') return rules.read(model.cells, id);
  const held = model.cells.get(id);
  const before = held === undefined || rules.isExpired(held) ? 0 : (held.value as number);
  return void model.cells.set(id, { at: nowMs, value: state === 'value' ? step.n + 1 : before + step.n + 1 });
}

class Rules {
  private readonly mode: Mode;
  readonly nowMs: number;

  constructor(mode: Mode, nowMs: number) {
    this.mode = mode;
    this.nowMs = nowMs;
  }

  isExpired(held: Held): boolean {
    return held.at + TTL_MS <= this.nowMs;
  }

  isVisible(held: Held): boolean {
    return this.mode.visibility === 'returnExpiredIfNotCleanedUp' || !this.isExpired(held);
  }

  /** Whether it stays after a read. */
  readOne(held: Held): boolean {
    if (this.isExpired(held)) return false;
    if (this.mode.update === 'onReadAndWrite') held.at = this.nowMs;
    return true;
  }

  read(all: Map<string, Held>, id: string): unknown {
    const held = all.get(id);
    if (held === undefined) return undefined;
    const answer = this.isVisible(held) ? held.value : undefined;
    if (!this.readOne(held)) all.delete(id);
    return answer;
  }
}

function useList(model: TtlModel, rules: Rules, key: string, operation: string, n: number): unknown {
  const items = model.lists.get(key) ?? [];
  const put = (next: Held[]): void =>
    void (next.length === 0 ? model.lists.delete(key) : model.lists.set(key, next));
  if (operation === 'clear') return put([]);
  const fresh = (value: number): Held => ({ at: rules.nowMs, value });
  if (operation === 'add') return put([...items, fresh(n + 1)]);
  if (operation === 'set') return put(Array.from({ length: n }, (_, index) => fresh(index)));
  const answer = items.filter((item) => rules.isVisible(item)).map((item) => item.value);
  put(items.filter((item) => rules.readOne(item)));
  return answer;
}

function useMap(
  model: TtlModel,
  rules: Rules,
  key: string,
  operation: string,
  mapKey: string,
  n: number,
): unknown {
  const map = model.maps.get(key) ?? new Map<string, Held>();
  model.maps.set(key, map);
  const visible = [...map].filter(([, held]) => rules.isVisible(held)).map(([each]) => each);
  const pairs = (of: readonly string[]) => of.map((each) => [each, rules.read(map, each)]);
  switch (operation) {
    case 'get':
      return rules.read(map, mapKey);
    case 'set':
      return void map.set(mapKey, { at: rules.nowMs, value: n });
    case 'delete':
      map.delete(mapKey);
      return visible.includes(mapKey);
    case 'has':
      return visible.includes(mapKey);
    case 'clear':
      return void model.maps.delete(key);
    case 'entries':
      return pairs(visible).sort();
    case 'values':
      return pairs(visible)
        .map(([, value]) => value)
        .sort();
    case 'keys':
      return visible.sort();
    case 'first':
      return visible.length > 0;
    case 'size':
      return visible.length;
    default:
      return visible.length === 0;
  }
}

// ---------------------------------------------------------------- the real thing

/** All subtasks of an operator. */
export class Fleet {
  readonly subtasks: readonly KeyedBackend[];
  private readonly mode: Mode;

  constructor(parallelism: number, mode: Mode, clock: TestClock) {
    this.mode = mode;
    this.subtasks = Array.from(
      { length: parallelism },
      (_, subtask) =>
        new KeyedBackend({
          operator: 'fleet',
          subtask,
          maxParallelism: MAX_PARALLELISM,
          range: keyGroupRange(subtask, MAX_PARALLELISM, parallelism),
          freeze: true,
          processingTimeMs: () => clock.nowMs,
        }),
    );
  }

  /** After a restore, as operators do when they open; each accessor is made once, because it holds the place of its sweep. */
  open(): (step: Extract<Step, { kind: 'use' }>) => unknown {
    const accessors = this.subtasks.map((backend) => open(backend, ttlOf(this.mode)));
    return (step) => {
      const key = KEYS[step.key] ?? '';
      const group = keyGroupOf(hashKey(key), MAX_PARALLELISM);
      const at = Math.floor((group * this.subtasks.length) / MAX_PARALLELISM);
      const [backend, states] = [this.subtasks[at], accessors[at]];
      if (backend === undefined || states === undefined) throw new Error(`no subtask ${at}`);
      backend.setKey(key);
      return use(states, step);
    };
  }

  audit(): string[] {
    return this.subtasks.flatMap((backend) => backend.audit());
  }

  get size(): number {
    return this.subtasks.reduce((sum, backend) => sum + backend.size, 0);
  }
}

function open(backend: KeyedBackend, ttl: TtlOptions) {
  return {
    value: backend.value<number>('value', { ttl }),
    list: backend.list<number>('list', { ttl }),
    map: backend.map<string, number>('map', { ttl }),
    reducing: backend.reducing<number>('reducing', { ttl, reduce: (a, b) => a + b }),
    aggregating: backend.aggregating<number, number, number>('aggregating', {
      ttl,
      aggregate: { createAccumulator: () => 0, add: (sum, n) => sum + n, getResult: (sum) => sum },
    }),
  };
}

function use(states: ReturnType<typeof open>, step: Extract<Step, { kind: 'use' }>): unknown {
  const { value, list, map, reducing, aggregating } = states;
  const { n } = step;
  const mapKey = MAP_KEYS[step.mapKey] ?? '';
  const run: Record<Use, () => unknown> = {
    'value.get': () => value.get(),
    'value.set': () => value.set(n + 1),
    'value.clear': () => value.clear(),
    'list.get': () => [...list.get()],
    'list.add': () => list.add(n + 1),
    'list.set': () => list.set(Array.from({ length: n }, (_, index) => index)),
    'list.clear': () => list.clear(),
    'map.get': () => map.get(mapKey),
    'map.set': () => map.set(mapKey, n),
    'map.delete': () => map.delete(mapKey),
    'map.has': () => map.has(mapKey),
    'map.clear': () => map.clear(),
    'map.entries': () => [...map.entries()].sort(),
    'map.keys': () => [...map.keys()].sort(),
    'map.values': () => [...map.values()].sort(),
    'map.first': () => {
      for (const _ of map.keys()) return true;
      return false;
    },
    'map.size': () => map.size,
    'map.isEmpty': () => map.isEmpty(),
    'reducing.add': () => reducing.add(n + 1),
    'reducing.get': () => reducing.get(),
    'reducing.clear': () => reducing.clear(),
    'aggregating.add': () => aggregating.add(n + 1),
    'aggregating.get': () => aggregating.get(),
    'aggregating.clear': () => aggregating.clear(),
  };
  return run[step.use]();
}
