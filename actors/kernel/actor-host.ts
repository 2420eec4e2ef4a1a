// Who gives an actor its turns.
//
// Owns:    the interface between the kernel and its scheduler, and the host over `Runtime.dispatch`.
// Not:     what happens in a turn (cell.ts), the host over nact (nact-host.ts).
//
// H1. A wake leads to one turn, in a macrotask of its own. The kernel asks for the next wake only after that turn began.
// H2. After `stop` there is no further turn.
// H3. A turn never throws and never waits: handlers that await are continued by the kernel, not by the host.

/** One life of one actor, as its host sees it. */
export interface HostedActor {
  wake(): void;
  stop(): void;
}

export interface ActorHost {
  /** `name` is unique among all lives that the host has ever seen. */
  spawn(parent: HostedActor | null, name: string, turn: () => void): HostedActor;
  stop(): void;
}

/** Turns as macrotasks of the runtime: virtual time and simulation, or Node without nact. */
export function dispatchHost(dispatch: (callback: () => void, lane: string) => void): ActorHost {
  let stopped = false;
  return {
    spawn(_parent, name, turn) {
      let alive = true;
      const run = (): void => {
        if (alive && !stopped) turn();
      };
      return {
        wake: () => dispatch(run, name),
        stop: () => {
          alive = false;
        },
      };
    },
    stop() {
      stopped = true;
    },
  };
}
