// One touch of everything that the poison must catch, as careless code would write it.

import { randomUUID } from 'node:crypto';
import { setImmediate as immediate } from 'node:timers/promises';

export const canaries: Readonly<Record<string, () => unknown>> = {
  'Date.now': () => Date.now(),
  'new Date()': () => new Date(),
  'Date()': () => Date(),
  'performance.now': () => performance.now(),
  'performance.mark': () => performance.mark('x'),
  'performance.timeOrigin': () => performance.timeOrigin,
  setTimeout: () => setTimeout(() => undefined, 0),
  setInterval: () => setInterval(() => undefined, 1_000),
  setImmediate: () => setImmediate(() => undefined),
  queueMicrotask: () => queueMicrotask(() => undefined),
  'Math.random': () => Math.random(),
  crypto: () => crypto.randomUUID(),
  'process.hrtime': () => process.hrtime(),
  'process.hrtime.bigint': () => process.hrtime.bigint(),
  'process.nextTick': () => process.nextTick(() => undefined),
  'AbortSignal.timeout': () => AbortSignal.timeout(1_000),
  fetch: () => fetch('http://localhost:1'),
  'node:crypto randomUUID': () => randomUUID(),
  'node:timers/promises setImmediate': () => immediate(),
};

/** What stays allowed: it computes, and reads nothing. */
export const harmless: readonly (() => unknown)[] = [
  () => new Date(5).toISOString(),
  () => Date.UTC(2020, 1),
  () => new Date(5) instanceof Date,
  () => Promise.resolve(1),
];
