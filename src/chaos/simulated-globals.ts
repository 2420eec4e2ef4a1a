// What user code finds when it uses Node's globals in the middle of a simulated step.
//
// Owns:    putting the patches in place and taking them away, and what "inside of a step" means for them.
// Not:     the patches themselves (simulated-globals-*.ts), running steps, ending a run after a leak.
//
// G1. Outside of a step every patched function behaves as the original; that costs one comparison.
// G2. Inside of a step time and randomness come from the surroundings alone, and what cannot be simulated throws LeakError.
// G3. Taking the last installation away restores the exact property descriptors.
// G4. A patched function that somebody copied during one installation goes on working, also in the next one.
// G5. A promise that rejects in a step while nobody looks after it is the run's business, not the real process's.
// G6. Out of reach: copies of functions that were made before the installation, classes derived from Date before it.
//     A real wake-up through them is found by LeakWatch or by the scheduler (leaks.ts).

import { syncBuiltinESMExports } from 'node:module';
import { patchClock } from './simulated-globals-clock.js';
import { patchCrypto } from './simulated-globals-crypto.js';
import { patchForbidden } from './simulated-globals-forbidden.js';
import { PatchSet } from './simulated-globals-patches.js';
import { catchRejections } from './simulated-globals-rejections.js';
import type { SimulatedSurroundings } from './simulated-globals-surroundings.js';
import { patchTicks } from './simulated-globals-ticks.js';
import { patchTimerPromises } from './simulated-globals-timer-promises.js';
import { patchTimers } from './simulated-globals-timers.js';

export type { SimulatedSurroundings } from './simulated-globals-surroundings.js';

type Current = () => SimulatedSurroundings | null;

const nobody: Current = () => null;
const installations: { readonly current: Current }[] = [];
/** Of the latest installation; of whichever answers when there are several. */
let current: Current = nobody;
let patches: PatchSet | null = null;
let stopCatching: () => void = () => undefined;

/**
 * From now on the globals of Node, and its modules that tell time, roll dice or touch the machine, ask `current` first.
 * @param current Answers null outside of simulated steps: then everything behaves as without.
 * @returns Takes this installation away; idempotent. The globals are restored when the last one has gone.
 */
export function installSimulatedGlobals(current: () => SimulatedSurroundings | null): () => void {
  const installation = { current };
  installations.push(installation);
  chooseCurrent();
  if (patches === null) {
    patches = patchEverything();
    stopCatching = catchRejections(() => current());
  }
  return () => {
    const index = installations.indexOf(installation);
    if (index === -1) return;
    installations.splice(index, 1);
    chooseCurrent();
    if (installations.length > 0) return;
    patches?.restore();
    patches = null;
    stopCatching();
    syncBuiltinESMExports();
  };
}

function chooseCurrent(): void {
  const latest = installations.at(-1);
  if (latest === undefined) current = nobody;
  else current = installations.length === 1 ? latest.current : firstThatAnswers;
}

function firstThatAnswers(): SimulatedSurroundings | null {
  for (let index = installations.length - 1; index >= 0; index -= 1) {
    const found = installations[index]?.current() ?? null;
    if (found !== null) return found;
  }
  return null;
}

function patchEverything(): PatchSet {
  const set = new PatchSet(() => current());
  patchClock(set);
  patchTimers(set);
  patchTimerPromises(set);
  patchTicks(set);
  patchCrypto(set);
  patchForbidden(set);
  // ES imports of built-in modules are copies of the properties that were patched.
  syncBuiltinESMExports();
  return set;
}
