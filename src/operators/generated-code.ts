// Code made at run time, for the few loops that run once per record.
//
// Owns:    whether the host lets us.
// Not:     the loops; each has a slower equivalent that needs no generated code.
//
// G1. Nothing of the user's is ever part of the text: functions and values come in by name.

/** The function that `source` returns, with `given` in scope by name. Null where the host forbids generated code. */
export function generate<F>(given: Readonly<Record<string, unknown>>, source: string): F | null {
  try {
    const make = new Function(...Object.keys(given), `'use strict';\n${source}`) as (
      ...values: readonly unknown[]
    ) => F;
    return make(...Object.values(given));
  } catch (error) {
    // A content security policy, or Node's --disallow-code-generation-from-strings.
    if (error instanceof EvalError) return null;
    throw error;
  }
}
