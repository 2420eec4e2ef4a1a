// The key of a record, put in hand before a keyed operator looks at its state.

import type { KeyedBackend } from '../state/keyed-backend.js';
import type { OperatorContext } from './operator.js';
import { contractError, expectNow, userError } from './user-code.js';

export type KeySelector = (value: unknown) => unknown;

/** What throws, for messages. */
export const SELECTING = 'the key selector';

/** A function that puts the key of a record in hand. What the selector throws is the user's; a bad key is a KeyError. */
export function keySetter(
  context: OperatorContext,
  keyed: KeyedBackend,
  key: KeySelector,
): (value: unknown) => void {
  return (value) => {
    let selected: unknown;
    try {
      selected = key(value);
    } catch (cause) {
      throw userError(context, SELECTING, cause);
    }
    if (typeof selected === 'object') expectNow(context, SELECTING, selected);
    keyed.setKey(selected);
  };
}

/** The keyed state of an operator that cannot do without. */
export function requireKeyed(context: OperatorContext): KeyedBackend {
  if (context.keyed !== null) return context.keyed;
  throw contractError(context, 'This operator needs a keyed stream.', 'Call keyBy before it.');
}
