// What goes into an operator under test, and what comes out: the words of its tests.

import { MIN_TIMESTAMP } from '../base/timestamps.js';

export type OperatorStep =
  | { readonly kind: 'record'; readonly value: unknown; readonly timestamp: number }
  | { readonly kind: 'watermark'; readonly time: number }
  /** The wall clock goes to this time; alarms that are due ring. */
  | { readonly kind: 'clock'; readonly wallMs: number }
  /** End of input: MAX, then the end. */
  | { readonly kind: 'end' };

export type OperatorOutput =
  | { readonly kind: 'record'; readonly value: unknown; readonly timestamp: number }
  | { readonly kind: 'side'; readonly tag: string; readonly value: unknown; readonly timestamp: number }
  | { readonly kind: 'watermark'; readonly time: number }
  | { readonly kind: 'idle'; readonly idle: boolean }
  | { readonly kind: 'end' };

/** A record, in or out. Without a timestamp it has none. */
export function record(value: unknown, timestamp: number = MIN_TIMESTAMP): OperatorStep & OperatorOutput {
  return { kind: 'record', value, timestamp };
}

export function side(tag: string, value: unknown, timestamp: number = MIN_TIMESTAMP): OperatorOutput {
  return { kind: 'side', tag, value, timestamp };
}

/** A watermark, in or out. */
export function watermark(time: number): OperatorStep & OperatorOutput {
  return { kind: 'watermark', time };
}

export function clock(wallMs: number): OperatorStep {
  return { kind: 'clock', wallMs };
}

export function idle(isIdle: boolean): OperatorOutput {
  return { kind: 'idle', idle: isIdle };
}

/** End of input, in; the end that the operator passes on, out. */
export const END: OperatorStep & OperatorOutput = { kind: 'end' };
