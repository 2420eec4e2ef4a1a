// What user code sees of keyed state: options to declare it, and accessors to use it.
//
// Owns:    the public interfaces.
// Not:     how state is held (keyed-backend.ts and the files it names).
//
// D1. An accessor reads and writes the state of the key in hand; used without a key it throws StateError (semantics 4.1).
// D2. Only what goes through an accessor is state. An object that came out of one and is changed without being handed back
//     is not saved. In development, such a change throws where plain data is changed, which is frozen, and when the call is over
//     where anything else is (put-check.ts, lent-values.ts).

/**
 * Time to live, by processing time: state expires when nothing has refreshed it for `ttlMs` (semantics 4.8 to 4.13).
 * Lists and maps expire element by element. Not part of a checkpoint: after a restore the options of the new job count.
 * Giving state that was stored without it a time to live, or the reverse, is refused with RestoreError.
 */
export interface TtlOptions {
  /** Milliseconds, above 0. Infinity: never, but the last access is recorded. */
  readonly ttlMs: number;
  /** What refreshes: writing (default), or reading as well. Reading never revives what has expired. */
  readonly update?: 'onCreateAndWrite' | 'onReadAndWrite';
  /**
   * `neverReturnExpired` (default): what has expired looks absent. `returnExpiredIfNotCleanedUp`: the first read
   * returns it and removes it. `has`, `delete`, `size` and `keys()` of a map see what a read would still return.
   */
  readonly visibility?: 'neverReturnExpired' | 'returnExpiredIfNotCleanedUp';
  readonly cleanup?: TtlCleanup;
}

/** When expired entries that nobody reads leave the memory. */
export interface TtlCleanup {
  /** Leave expired entries out of full snapshots. Default true. */
  readonly onFullSnapshot?: boolean;
  /** Entries looked at with each access to this state, of whatever kind; 0 switches it off. Default 5. */
  readonly entriesPerAccess?: number;
  /** Look also with each record, whether it uses this state or not. Default false. */
  readonly onEveryRecord?: boolean;
}

export interface StateOptions {
  /** A number is short for `{ ttlMs }`. Default: state lives until it is cleared. */
  readonly ttl?: number | TtlOptions | undefined;
}

export interface ReducingOptions<T> extends StateOptions {
  /** Combines what is stored with what is added. */
  readonly reduce: (stored: T, added: T) => T;
}

export interface AggregatingOptions<In, Acc, Out> extends StateOptions {
  readonly aggregate: AggregateFunction<In, Acc, Out>;
}

/** A fold with an accumulator. `add` may change the accumulator in place and return it, or return a new one. */
export interface AggregateFunction<In, Acc, Out> {
  /**
   * What the accumulator is like, in a word. Checkpoints record it, and accumulators of another name are refused instead of
   * being read as what they are not: change it together with the accumulator. Default: none, and nothing is noticed.
   */
  readonly name?: string;
  createAccumulator(): Acc;
  add(accumulator: Acc, value: In): Acc;
  getResult(accumulator: Acc): Out;
  /** Only needed by merging windows. */
  merge?(left: Acc, right: Acc): Acc;
}

/** One value per key. */
export interface ValueState<T> {
  /** The value, or undefined when there is none. */
  get(): T | undefined;
  /** Undefined and null clear. */
  set(value: T | undefined | null): void;
  clear(): void;
}

/** One list per key. Elements are neither null nor undefined: StateError. */
export interface ListState<T> {
  /** All elements in the order in which they were added; an empty array when there are none. */
  get(): readonly T[];
  add(value: T): void;
  addAll(values: Iterable<T>): void;
  /** Replaces the list; an empty one clears. */
  set(values: Iterable<T>): void;
  clear(): void;
}

/**
 * One map per key. Keys of the map obey the rules of record keys: compared by structure, KeyError for what cannot be one.
 * Iterating goes over the keys that were there when it began, skips those removed meanwhile, and sees current values.
 */
export interface MapState<K, V> {
  get(key: K): V | undefined;
  set(key: K, value: V): void;
  /** True when there was an entry. */
  delete(key: K): boolean;
  has(key: K): boolean;
  entries(): IterableIterator<[K, V]>;
  keys(): IterableIterator<K>;
  values(): IterableIterator<V>;
  /** Entries that a read would answer. Counts them one by one when there is a time to live. */
  readonly size: number;
  isEmpty(): boolean;
  clear(): void;
}

/** One value per key that every `add` combines with what is there. */
export interface ReducingState<T> {
  /** Undefined when nothing was added. */
  get(): T | undefined;
  add(value: T): void;
  clear(): void;
}

/** One accumulator per key; `get` answers the result of what was added. */
export interface AggregatingState<In, Out> {
  /** Undefined when nothing was added. */
  get(): Out | undefined;
  add(value: In): void;
  clear(): void;
}
