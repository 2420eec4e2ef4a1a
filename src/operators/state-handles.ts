// State declared as fields of a function: `seen = valueState<boolean>('seen')`.
//
// Owns:    handles that are made with the function and bound to real state when its operator opens.
// Not:     what state does (src/state/descriptors.ts says it, and handles only pass on).
//
// H1. A handle belongs to one instance of one function in one subtask. `collectHandles` finds those made while the instance
//     is made, private fields and closures included; a handle made anywhere else is unbound and says so when used.

import { StateError } from '../base/errors.js';
import type {
  AggregatingOptions,
  AggregatingState,
  ListState,
  MapState,
  ReducingOptions,
  ReducingState,
  StateOptions,
  ValueState,
} from '../state/descriptors.js';
import type { KeyedBackend } from '../state/keyed-backend.js';

/** One value per key. */
export function valueState<T>(name: string, options: StateOptions = {}): ValueState<T> {
  return new ValueHandle<T>(name, (keyed) => keyed.value<T>(name, options));
}

/** A list per key. */
export function listState<T>(name: string, options: StateOptions = {}): ListState<T> {
  return new ListHandle<T>(name, (keyed) => keyed.list<T>(name, options));
}

/** A map per key. */
export function mapState<K, V>(name: string, options: StateOptions = {}): MapState<K, V> {
  return new MapHandle<K, V>(name, (keyed) => keyed.map<K, V>(name, options));
}

/** One value per key that `add` combines with what is there. */
export function reducingState<T>(name: string, options: ReducingOptions<T>): ReducingState<T> {
  return new ReducingHandle<T>(name, (keyed) => keyed.reducing<T>(name, options));
}

/** One accumulator per key. */
export function aggregatingState<In, Acc, Out>(
  name: string,
  options: AggregatingOptions<In, Acc, Out>,
): AggregatingState<In, Out> {
  return new AggregatingHandle<In, Out>(name, (keyed) => keyed.aggregating<In, Acc, Out>(name, options));
}

let collecting: StateHandle[] | null = null;

/** Runs `make` and answers what it made, with all handles declared meanwhile. */
export function collectHandles<F>(make: () => F): {
  readonly made: F;
  readonly handles: readonly StateHandle[];
} {
  const outer = collecting;
  const handles: StateHandle[] = [];
  collecting = handles;
  try {
    return { made: make(), handles };
  } finally {
    collecting = outer;
  }
}

/** Common to all handles, whatever the kind of state. */
export abstract class StateHandle {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
    collecting?.push(this);
  }

  abstract bind(keyed: KeyedBackend): void;
  /** An unbound handle for the same state. */
  abstract copy(): StateHandle;
}

abstract class TypedHandle<A> extends StateHandle {
  protected readonly open: (keyed: KeyedBackend) => A;
  private accessor: A | null = null;

  constructor(name: string, open: (keyed: KeyedBackend) => A) {
    super(name);
    this.open = open;
  }

  override bind(keyed: KeyedBackend): void {
    this.accessor = this.open(keyed);
  }

  protected get state(): A {
    if (this.accessor !== null) return this.accessor;
    throw new StateError(
      `State "${this.name}" was used before the operator opened, or outside the function that declares it.`,
      {
        remedy:
          'Declare it as a field of the function: `class F extends KeyedProcessFunction { x = valueState(...) }`.',
      },
    );
  }
}

class ValueHandle<T> extends TypedHandle<ValueState<T>> implements ValueState<T> {
  override copy(): ValueHandle<T> {
    return new ValueHandle(this.name, this.open);
  }
  get(): T | undefined {
    return this.state.get();
  }
  set(value: T | undefined | null): void {
    this.state.set(value);
  }
  clear(): void {
    this.state.clear();
  }
}

class ListHandle<T> extends TypedHandle<ListState<T>> implements ListState<T> {
  override copy(): ListHandle<T> {
    return new ListHandle(this.name, this.open);
  }
  get(): readonly T[] {
    return this.state.get();
  }
  add(value: T): void {
    this.state.add(value);
  }
  addAll(values: Iterable<T>): void {
    this.state.addAll(values);
  }
  set(values: Iterable<T>): void {
    this.state.set(values);
  }
  clear(): void {
    this.state.clear();
  }
}

class MapHandle<K, V> extends TypedHandle<MapState<K, V>> implements MapState<K, V> {
  override copy(): MapHandle<K, V> {
    return new MapHandle(this.name, this.open);
  }
  get(key: K): V | undefined {
    return this.state.get(key);
  }
  set(key: K, value: V): void {
    this.state.set(key, value);
  }
  delete(key: K): boolean {
    return this.state.delete(key);
  }
  has(key: K): boolean {
    return this.state.has(key);
  }
  entries(): IterableIterator<[K, V]> {
    return this.state.entries();
  }
  keys(): IterableIterator<K> {
    return this.state.keys();
  }
  values(): IterableIterator<V> {
    return this.state.values();
  }
  get size(): number {
    return this.state.size;
  }
  isEmpty(): boolean {
    return this.state.isEmpty();
  }
  clear(): void {
    this.state.clear();
  }
}

class ReducingHandle<T> extends TypedHandle<ReducingState<T>> implements ReducingState<T> {
  override copy(): ReducingHandle<T> {
    return new ReducingHandle(this.name, this.open);
  }
  get(): T | undefined {
    return this.state.get();
  }
  add(value: T): void {
    this.state.add(value);
  }
  clear(): void {
    this.state.clear();
  }
}

class AggregatingHandle<In, Out>
  extends TypedHandle<AggregatingState<In, Out>>
  implements AggregatingState<In, Out>
{
  override copy(): AggregatingHandle<In, Out> {
    return new AggregatingHandle(this.name, this.open);
  }
  get(): Out | undefined {
    return this.state.get();
  }
  add(value: In): void {
    this.state.add(value);
  }
  clear(): void {
    this.state.clear();
  }
}
