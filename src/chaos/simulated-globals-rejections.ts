// Promises that reject while nobody looks after them, in a simulated step.
//
// Owns:    telling the simulation of them instead of ending the real process, or the real test.
// Not:     what follows for the run (the surroundings).
//
// J1. Where the surroundings do not say what is to be done, it becomes an exception of a step, as that of a tick does.
// J2. What rejects outside of a simulated step goes to those who listened before, or ends the process as it would have.

import type { SimulatedSurroundings } from './simulated-globals-surroundings.js';

const EVENT = 'unhandledRejection';
type Listener = (reason: unknown, promise: Promise<unknown>) => void;

/** Listens until the answer is called. */
export function catchRejections(current: () => SimulatedSurroundings | null): () => void {
  const others = process.listeners(EVENT) as readonly Listener[];
  const listener: Listener = (reason, promise) => {
    const surroundings = current();
    if (surroundings !== null) return toldTo(surroundings, reason);
    // Node does the same where nobody listens.
    if (others.length === 0) throw reason;
    for (const other of others) other.call(process, reason, promise);
  };
  for (const other of others) process.off(EVENT, other);
  process.on(EVENT, listener);
  return () => {
    process.off(EVENT, listener);
    for (const other of others) process.on(EVENT, other);
  };
}

function toldTo(surroundings: SimulatedSurroundings, reason: unknown): void {
  if (surroundings.rejected !== undefined) return surroundings.rejected(reason);
  surroundings.after(0, () => {
    throw reason;
  });
}
