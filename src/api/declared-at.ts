// The line of the user's code that declared an operator: `file:line:column`.
//
// Owns:    finding it, in the sources, in the package, under source maps and in a bundle.
// Not:     reading stacks (src/base/stack-places.ts), showing it: errors and plans carry it as text.
//
// A1. Costs one Error per operator while the graph is described, nothing while the job runs.
// A2. In a bundle the paths of Weir and of the user are the same. There V8 itself cuts the stack: above the outermost method
//     of the API that is on it.

import { stackPlaces } from '../base/stack-places.js';

/** What users call to describe a job. None of these calls a function of the user while it runs. */
const describing = new Set<(...parameters: never[]) => unknown>();

/** For every class whose methods add to a graph. Called behind the class: a static block would see it half made once compiled. */
export function describesJobs(api: { readonly prototype: object }): void {
  for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(api.prototype))) {
    if (name !== 'constructor' && typeof value === 'function') describing.add(value);
  }
}

/** Where the caller of Weir stands, or undefined when the stack does not say. */
export function declaredAt(): string | undefined {
  const stack = stackPlaces.bundled ? stackBelowApi() : new Error('stack').stack;
  return stackPlaces.callerIn(stack);
}

/** The stack of who has called the API. A method that calls another one, as `print` calls `sinkTo`, is the one that counts. */
export function stackBelowApi(): string | undefined {
  let outermost: readonly string[] | null = null;
  for (const method of describing) {
    const frames = framesBelow(method);
    if (frames.length === 0) continue;
    // A stack is cut at its depth as well as at its top: who called whom shows in the frames, not in their number.
    if (outermost?.includes(frames[0] ?? '') !== false) outermost = frames;
  }
  return outermost?.join('\n');
}

function framesBelow(method: (...parameters: never[]) => unknown): readonly string[] {
  const holder: { readonly stack?: string } = {};
  Error.captureStackTrace(holder, method);
  return (holder.stack ?? '').split('\n').filter((line) => /^\s*at /.test(line));
}
