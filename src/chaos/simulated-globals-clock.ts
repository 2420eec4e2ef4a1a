// Virtual time for Date, performance and process.hrtime.
//
// Owns:    every way in which JavaScript and Node tell the time.
// Not:     waiting for it (simulated-globals-timers.ts).
//
// C1. `Date` reads the wall clock, which may jump; `performance` and `process` read the monotonic one.
// C2. `performance.timeOrigin + performance.now()` is the wall clock, as long as nobody moves that.

import { isCallable, type PatchSet, propertyOf } from './simulated-globals-patches.js';
import type { SimulatedSurroundings } from './simulated-globals-surroundings.js';

const NS_PER_MS = 1e6;
const NS_PER_SECOND = 1e9;

export function patchClock(set: PatchSet): void {
  patchDate(set);
  patchDateTimeFormat(set);
  set.function(performance, 'now', (surroundings) => surroundings.monotonicMs());
  set.getter(performance, 'timeOrigin', (surroundings) => surroundings.wallMs() - surroundings.monotonicMs());
  set.function(performance, 'mark', (surroundings, [name, options], original) =>
    original(name, { startTime: surroundings.monotonicMs(), ...asRecord(options) }),
  );
  set.function(performance, 'measure', measure);
  // The own property first: the function that replaces process.hrtime takes it along.
  set.function(process.hrtime, 'bigint', (surroundings) => BigInt(nanoseconds(surroundings)));
  set.function(process, 'hrtime', (surroundings, [since], original) => {
    // The original checks the argument.
    original(since);
    const ns = nanoseconds(surroundings) - (Array.isArray(since) ? toNanoseconds(since) : 0);
    return [Math.floor(ns / NS_PER_SECOND), ((ns % NS_PER_SECOND) + NS_PER_SECOND) % NS_PER_SECOND];
  });
  set.function(process, 'uptime', (surroundings) => surroundings.monotonicMs() / 1_000);
}

// `new Date(ms)` and Date.UTC compute; only a Date without arguments, and Date.now, read the clock.
function patchDate(set: PatchSet): void {
  const RealDate = Date;
  set.function(RealDate, 'now', (surroundings) => Math.floor(surroundings.wallMs()));
  const simulated = new Proxy(RealDate, {
    construct(target, args, newTarget): object {
      const surroundings = args.length === 0 ? set.current() : null;
      return Reflect.construct(
        target,
        surroundings === null ? args : [surroundings.wallMs()],
        newTarget,
      ) as object;
    },
    apply(target, self, args): unknown {
      const surroundings = set.current();
      return surroundings === null
        ? Reflect.apply(target, self, args)
        : new target(surroundings.wallMs()).toString();
    },
  });
  set.value(globalThis, 'Date', simulated);
  // So that `date.constructor === Date` stays true.
  set.value(RealDate.prototype, 'constructor', simulated);
}

// Formatting nothing formats the present moment.
function patchDateTimeFormat(set: PatchSet): void {
  const { prototype } = Intl.DateTimeFormat;
  set.getter(
    prototype,
    'format',
    (surroundings, bound) => (date?: Date | number) =>
      isCallable(bound) ? Reflect.apply(bound, undefined, [date ?? surroundings.wallMs()] as never[]) : bound,
  );
  if (propertyOf(prototype, 'formatToParts') === undefined) return;
  set.function(prototype, 'formatToParts', (surroundings, [date], original) =>
    original(date ?? surroundings.wallMs()),
  );
}

// A measure without an end ends now.
function measure(
  surroundings: SimulatedSurroundings,
  args: readonly unknown[],
  original: (...args: readonly unknown[]) => unknown,
): unknown {
  const [name, from, to] = args;
  const now = surroundings.monotonicMs();
  if (typeof from === 'string') return original(name, { start: from, end: to ?? now });
  const options = asRecord(from);
  const closed =
    options['end'] !== undefined || (options['start'] !== undefined && options['duration'] !== undefined);
  return original(name, closed ? options : { ...options, end: now });
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function nanoseconds(surroundings: SimulatedSurroundings): number {
  return Math.round(surroundings.monotonicMs() * NS_PER_MS);
}

function toNanoseconds(time: readonly unknown[]): number {
  return Number(time[0]) * NS_PER_SECOND + Number(time[1]);
}
