// Running the microtasks that a step left behind, before the next step.
//
// Owns:    the fast way (synchronous, where Node offers it), the portable way, and the proof of which one works.
// Not:     the steps (virtual-scheduler.ts).
//
// A1. After a drain no promise reaction, `queueMicrotask` or `nextTick` callback is left, however they chain.
//
// Node's process._tickCallback drains within a macrotask for 0.02 µs; a real setImmediate per step costs 1 µs.
// It is undocumented, so it is used only after a self-test in the running process has passed.

// Captured when the module loads: a test may poison or fake the globals later.
const realSetImmediate = setImmediate;
const tickCallback = (process as { readonly _tickCallback?: unknown })._tickCallback;

/** Runs `work` in a real macrotask, outside of any microtask, and settles as it does. */
export function inMacrotask<T>(work: () => T): Promise<T> {
  return new Promise((resolve, reject) => {
    realSetImmediate(() => {
      try {
        resolve(work());
      } catch (error) {
        reject(error);
      }
    });
  });
}

/** A function that drains synchronously when called in a macrotask, or null where there is none. */
export function synchronousDrain(): Promise<(() => void) | null> {
  if (typeof tickCallback !== 'function') return Promise.resolve(null);
  const drain = (): void => void Reflect.apply(tickCallback, process, []);
  return inMacrotask(() => (drainsEverything(drain) ? drain : null));
}

function drainsEverything(drain: () => void): boolean {
  let seen = 0;
  const chain = async (): Promise<void> => {
    for (let turn = 0; turn < 8; turn += 1) await null;
    seen += 1;
    process.nextTick(() => queueMicrotask(() => (seen += 1)));
  };
  void chain();
  drain();
  return seen === 2;
}
