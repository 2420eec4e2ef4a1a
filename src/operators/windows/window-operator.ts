// Windows of any kind: which operator runs them.

import { ConfigError } from '../../base/errors.js';
import type { KeySelector } from '../key-setter.js';
import type { Operator } from '../operator.js';
import type { OutputTag } from '../side-output.js';
import { alignedWindowOperator } from './aligned-window-operator.js';
import { sessionWindowOperator } from './session-window-operator.js';
import type { WindowAssigner } from './window-assigners.js';
import type { AnyContents, WindowContents } from './window-contents.js';

export interface WindowOperatorOptions<K, T, A, R, O> {
  readonly key: (value: T) => K;
  readonly assigner: WindowAssigner<T>;
  readonly contents: WindowContents<K, T, A, R, O>;
  /** How long after its end a window still takes records, each firing it again. Default 0. */
  readonly allowedLatenessMs?: number;
  /** Where later records go. Default: dropped, counted as `numLateRecordsDropped`. */
  readonly lateTag?: OutputTag<T> | null;
}

/** Event-time windows of a keyed stream. Throws ConfigError for contents that the windows cannot merge. */
export function windowOperator<K, T, A, R, O>(options: WindowOperatorOptions<K, T, A, R, O>): Operator {
  const shared = {
    key: options.key as KeySelector,
    contents: options.contents as AnyContents,
    allowedLatenessMs: options.allowedLatenessMs ?? 0,
    lateTag: options.lateTag ?? null,
  };
  if (!(shared.allowedLatenessMs >= 0)) {
    throw new ConfigError(
      `Expected an allowed lateness of at least 0 ms, got ${String(shared.allowedLatenessMs)}.`,
      {
        remedy: 'Give a duration, for example minutes(1).',
      },
    );
  }
  const { assigner } = options;
  return assigner.kind === 'aligned'
    ? alignedWindowOperator({ ...shared, assigner })
    : sessionWindowOperator({ ...shared, assigner });
}
