// Per-record functions without state, timers or side outputs: what can be fused into one loop.

/** What a step does to a record. */
export type StatelessStep =
  /** Whatever is returned is the new value, undefined and null included (semantics 1.1). */
  | { readonly kind: 'map'; readonly apply: (value: never) => unknown }
  /** The record stays when the answer is truthy. */
  | { readonly kind: 'filter'; readonly keep: (value: never) => unknown };

/** A step and the operator that it came from, for error messages. */
export interface NamedStep {
  readonly step: StatelessStep;
  readonly name: string;
  readonly declaredAt: string | undefined;
}
