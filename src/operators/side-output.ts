// Side outputs: further streams that leave an operator beside its main one.
//
// T1. A tag is its name (semantics 1.14): two tags of one name are the same side output.

/** Names a side output and the type of its records. */
export interface OutputTag<T> {
  readonly kind: 'outputTag';
  readonly name: string;
  /** Never there at run time: it ties the type of the records to the tag. */
  readonly records?: T;
}

/** A tag for `context.side(tag, value)`, late records, and `stream.getSideOutput(tag)`. */
export function sideOutput<T>(name: string): OutputTag<T> {
  return { kind: 'outputTag', name };
}
