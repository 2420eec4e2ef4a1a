// Poison: after it, whoever touches a clock, a timer, randomness or the network round the Runtime port is caught.
//
// Owns:    replacing the globals, and the same functions of Node's own modules, by ones that look at their caller.
// Not:     loading the engine (child.ts).
//
// A1. The caller decides, not the call: Node itself, the loader and the files that bind the port go through.
// A2. A touch is recorded before it throws, so that code which catches the error does not hide it.

import { createRequire, syncBuiltinESMExports } from 'node:module';

export interface Touch {
  readonly what: string;
  readonly stack: string;
}

/** Files that may: the bindings of the port, Node's own code, and what runs TypeScript. */
const EXEMPT = [
  /^node:/,
  /\/src\/base\/(node|lmdb)-[\w-]+\.ts$/,
  /\/src\/testing\/microtasks\.ts$/,
  /\/node_modules\/(tsx|esbuild)\//,
];

const GLOBAL_FUNCTIONS = ['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'fetch'] as const;

const MODULE_FUNCTIONS: Readonly<Record<string, readonly string[]>> = {
  'node:timers': ['setTimeout', 'setInterval', 'setImmediate'],
  'node:timers/promises': ['setTimeout', 'setInterval', 'setImmediate'],
  'node:crypto': ['randomBytes', 'randomUUID', 'randomInt', 'randomFillSync'],
};

type Function_ = (...args: never[]) => unknown;

/** Poisons the running process, for good. The answer is the list that touches are added to. */
export function poisonGlobals(): readonly Touch[] {
  const touches: Touch[] = [];
  const guard = (owner: object, name: string, what: string): void => {
    const original = Reflect.get(owner, name) as Function_;
    const guarded = function (this: unknown, ...args: unknown[]): unknown {
      touch(touches, what, guarded);
      return Reflect.apply(original, this, args as never[]);
    };
    // `hrtime.bigint`, `setTimeout[promisify.custom]` and the like stay reachable.
    Object.defineProperties(guarded, Object.getOwnPropertyDescriptors(original));
    Object.defineProperty(owner, name, { value: guarded, configurable: true, writable: true });
  };
  for (const name of GLOBAL_FUNCTIONS) guard(globalThis, name, name);
  guard(Math, 'random', 'Math.random');
  guard(AbortSignal, 'timeout', 'AbortSignal.timeout');
  guard(process.hrtime, 'bigint', 'process.hrtime.bigint');
  guard(process, 'hrtime', 'process.hrtime');
  guard(process, 'nextTick', 'process.nextTick');
  guard(performance, 'now', 'performance.now');
  guard(performance, 'mark', 'performance.mark');
  guard(performance, 'measure', 'performance.measure');
  poisonDate(touches, guard);
  poisonGetters(touches);
  poisonModules(guard);
  return touches;
}

type Guard = (owner: object, name: string, what: string) => void;

// `new Date(ms)` and Date.UTC compute; only a Date without arguments, and Date.now, read the clock.
function poisonDate(touches: Touch[], guard: Guard): void {
  guard(Date, 'now', 'Date.now');
  const handler: ProxyHandler<DateConstructor> = {
    construct: function constructDate(target, args, newTarget) {
      if (args.length === 0) touch(touches, 'new Date()', constructDate);
      return Reflect.construct(target, args, newTarget) as object;
    },
    apply: function callDate(target, self, args) {
      touch(touches, 'Date()', callDate);
      return Reflect.apply(target, self, args) as string;
    },
  };
  globalThis.Date = new Proxy(Date, handler);
}

function poisonGetters(touches: Touch[]): void {
  const real = globalThis.crypto;
  const guarded = function crypto(): typeof real {
    touch(touches, 'crypto', guarded);
    return real;
  };
  Object.defineProperty(globalThis, 'crypto', { get: guarded, configurable: true });
  const timeOrigin = performance.timeOrigin;
  const guardedOrigin = function origin(): number {
    touch(touches, 'performance.timeOrigin', guardedOrigin);
    return timeOrigin;
  };
  Object.defineProperty(performance, 'timeOrigin', { get: guardedOrigin, configurable: true });
}

function poisonModules(guard: Guard): void {
  const require = createRequire(import.meta.url);
  for (const [module, names] of Object.entries(MODULE_FUNCTIONS)) {
    const exports = require(module) as object;
    for (const name of names) guard(exports, name, `${module} ${name}`);
  }
  syncBuiltinESMExports();
}

function touch(touches: Touch[], what: string, boundary: Function_): void {
  const caller = callerOf(boundary);
  if (EXEMPT.some((pattern) => pattern.test(caller))) return;
  const error = new Error(`${what} was touched by ${caller}, round the Runtime port`);
  Error.captureStackTrace(error, boundary);
  touches.push({ what, stack: error.stack ?? error.message });
  throw error;
}

// The innermost frame above the guarded function, as the engine sees it: a printed stack would have to be parsed.
function callerOf(boundary: Function_): string {
  const before = Error.prepareStackTrace;
  let caller = 'an unknown caller';
  Error.prepareStackTrace = (_error, frames) => {
    caller = frames[0]?.getFileName() ?? (frames[0]?.isNative() === true ? 'native code' : caller);
    return '';
  };
  try {
    const holder: { stack?: string } = {};
    Error.captureStackTrace(holder, boundary);
    // The stack is made when it is read.
    return holder.stack === undefined ? 'a caller without a stack' : caller;
  } finally {
    if (before === undefined) Reflect.deleteProperty(Error, 'prepareStackTrace');
    else Error.prepareStackTrace = before;
  }
}
