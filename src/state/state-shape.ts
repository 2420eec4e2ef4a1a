// What a state is like beyond its kind: which windows, which aggregate.
//
// Owns:    how shapes are written into a snapshot and compared after a restore.
// Not:     kinds and times to live, which every frame of a snapshot carries (snapshot-chunk.ts).
//
// D1. State of another shape is never read as if it were the same: it is refused with both shapes. A setting may change, and
//     what the change means for what is there is told.
// D2. Only state that is there is compared: an empty one has no shape, and starts as it is declared.

/** For people, and compared as they are. */
export interface StateShape {
  /** Such as `tumbling windows holding count`. */
  readonly shape: string;
  /** Such as `size 60000 ms`; null when there is none. */
  readonly setting: string | null;
}

/** Of an aggregate: its name, if it has one. Accumulators of two aggregates without name cannot be told apart. */
export function aggregateShape(aggregate: { readonly name?: string | undefined }): string {
  return typeof aggregate.name === 'string' && aggregate.name !== ''
    ? aggregate.name
    : 'an aggregate without name';
}

/** For the header of a chunk: by name, those that are known, and nothing when there are none. */
export function shapesOf(tables: Iterable<{ readonly name: string; readonly shape: StateShape | null }>): {
  readonly shapes?: ReadonlyMap<string, StateShape>;
} {
  const shapes = new Map<string, StateShape>();
  for (const { name, shape } of tables) if (shape !== null) shapes.set(name, shape);
  return shapes.size === 0 ? {} : { shapes };
}
