// The only file that imports nact: tree and scheduling of the turns.
//
// Owns:    one nact actor per life of an actor, named uniquely, fed with WAKE and nothing else.
// Not:     mailboxes, supervision, anything that nact's own queue, policies and promises would do.
//
// A1. At most one wake is in the mailbox of a nact actor (H1), so that its unbounded queue holds one entry.
// A2. The nact handler returns at once and never throws (H3), so that nact never awaits, faults or resets.
// A3. A name is never used twice, so that a late wake cannot reach another life.

import { dispatch, type Ref, spawn, start, stop } from 'nact';
import type { ActorHost, HostedActor } from './actor-host.js';

const WAKE = 'wake';

class NactActor implements HostedActor {
  readonly ref: Ref<typeof WAKE>;
  constructor(ref: Ref<typeof WAKE>) {
    this.ref = ref;
  }
  wake(): void {
    dispatch(this.ref, WAKE);
  }
  stop(): void {
    stop(this.ref);
  }
}

export function nactHost(): ActorHost {
  // Without a name nact draws a random one. It keeps systems in a map of the process, by name, and ours must not meet.
  const system = start();
  return {
    spawn(parent, name, turn) {
      const above = parent instanceof NactActor ? parent.ref : system;
      return new NactActor(spawn(above, () => turn(), nactName(name)));
    },
    stop() {
      stop(system);
    },
  };
}

/** nact admits a subset of ASCII in names; the incarnation at the end keeps what is left unique. */
function nactName(name: string): string {
  return name.replace(/[^a-z0-9\-$_.+!*'(),]/gi, '_');
}
