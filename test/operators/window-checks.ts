// What the tests of windows have in common: one kind of record, and operators that sum or list it per window.

import { type OutputTag, sideOutput } from '../../src/operators/side-output.js';
import { sum } from '../../src/operators/windows/aggregates.js';
import type { WindowContents } from '../../src/operators/windows/window-contents.js';
import { type WindowOperatorOptions, windowOperator } from '../../src/operators/windows/window-operator.js';
import {
  type OperatorCheck,
  type OperatorStep,
  record,
  verifyOperator,
} from '../../src/testing/operator-harness.js';

export interface Hit {
  readonly k: string;
  readonly v: number;
}
export type WindowSettings = Omit<
  WindowOperatorOptions<string, Hit, number, number, string>,
  'key' | 'contents'
>;

export const hit = (k: string, v: number, at: number): OperatorStep => record({ k, v }, at);
export const sums: WindowContents<string, Hit, number, number, string> = {
  kind: 'aggregate',
  aggregate: sum((each: Hit) => each.v),
  windowFunction: (key, window, total) => `${key}:${total}[${window.start},${window.end})`,
};
export const late: OutputTag<Hit> = sideOutput<Hit>('late');

export function summing(options: WindowSettings): OperatorCheck {
  return verifyOperator(() => windowOperator({ key: (each: Hit) => each.k, contents: sums, ...options }), {
    leavesNoState: true,
    suspends: true,
  });
}

/** As `summing`, with all elements, emitted by a generator. */
export function elements(options: WindowSettings): OperatorCheck {
  const contents: WindowContents<string, Hit, unknown, unknown, string> = {
    kind: 'process',
    *process(key, window, all) {
      for (const each of all) yield `${key}:${each.v}/${all.length}@${window.start}`;
    },
  };
  return verifyOperator(() => windowOperator({ key: (each: Hit) => each.k, ...options, contents }), {
    leavesNoState: true,
    suspends: true,
  });
}
