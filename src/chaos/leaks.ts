// Leaks: what a simulated run does that no simulation controls, and the words in which it is reported.
//
// Owns:    the leak, the error that is thrown for it, and the watch for real wake-ups that nobody announced.
// Not:     noticing that a function was called (simulated-globals.ts), ending the run (the scheduler).
//
// L1. A leak ends its run: from there on the seed no longer decides, so whatever would follow proves nothing.
// L2. A leak names the function or the resource, the line of the user where one is known, and what to do instead.
//
// A scheduler uses three of them: `leaked` of its surroundings is called by the patched globals; a task that arrives
// while the loop runs, but not from within a step, is `enqueuedOutside`; a run that ends idle or unfinished asks
// `new LeakWatch(activeResources)`, made when the run began, for `unexpected()`.

import { WeirError } from '../base/errors.js';

export interface Leak {
  /** `call`: a forbidden function; `wakeUp`: work that came from outside; `resource`: something real that is still open. */
  readonly kind: 'call' | 'wakeUp' | 'resource';
  /** The function, the task, or the kinds of resources. */
  readonly what: string;
  /** `file:line` in the user's code, and through which dependency; null where no frame tells. */
  readonly caller: string | null;
  /** What happened, without what to do. */
  readonly message: string;
  /** What to do instead. */
  readonly remedy: string;
}

/** A simulated run reached for the real world: real time, real randomness, real input or output. */
export class LeakError extends WeirError {
  override readonly name = 'LeakError';
  readonly leak: Leak;

  constructor(leak: Leak) {
    super('WEIR_SIMULATION_LEAK', leak.message, { remedy: leak.remedy, unrecoverable: true });
    this.leak = leak;
  }
}

/** A function that a simulated step must not call. */
export function forbiddenCall(what: string, caller: string | null, remedy: string): Leak {
  const by = caller === null ? '' : ` by ${caller}`;
  return {
    kind: 'call',
    what,
    caller,
    message: `${what} was called${by} in a simulated step, where only simulated effects are repeatable.`,
    remedy,
  };
}

/** A task came to the scheduler while it was running, but not from within a step: something real has woken it. */
export function enqueuedOutside(what: string, caller: string | null): Leak {
  const by = caller === null ? '' : ` by ${caller}`;
  return {
    kind: 'wakeUp',
    what,
    caller,
    message: `${what} was enqueued${by} from outside of any simulated step: a real timer, promise or event has woken the program.`,
    remedy:
      'Find what it awaited: a function of Node that was copied before the simulation began, a native addon, or ' +
      'input and output that began outside. Take the clock, timers, files and sockets of the runtime, or wrap the effect behind a port.',
  };
}

/** Kinds that come and go with the simulation itself, the console and the test runner. */
const EXPECTED_RESOURCES: ReadonlySet<string> = new Set([
  'CloseReq',
  'Immediate',
  'MessagePort',
  'PipeWrap',
  'TTYWrap',
  'TickObject',
  'WriteWrap',
]);

/** What a kind of resource is, in the words of the code that made it. */
const RESOURCE_WORDS: Readonly<Record<string, string>> = {
  Timeout: 'a real timer',
  FSReqCallback: 'an operation on a real file',
  FSReqPromise: 'an operation on a real file',
  FILEHANDLE: 'a real file',
  FSEventWrap: 'a watcher of real files',
  TCPSocketWrap: 'a real connection',
  TCPConnectWrap: 'a real connection being made',
  TCPServerWrap: 'a real server',
  TLSWrap: 'a real connection',
  UDPWrap: 'a real datagram socket',
  GetAddrInfoReqWrap: 'a real look-up of a host',
  ProcessWrap: 'a real process',
  Worker: 'a real thread',
};

/** Compares what keeps the real process awake at two moments: what came in between was made by nobody who is simulated. */
export class LeakWatch {
  readonly #census: () => readonly string[];
  readonly #before: ReadonlyMap<string, number>;

  /** Takes the first census; `census` lists the kind of each resource that is open now, as Node names them. */
  constructor(census: () => readonly string[]) {
    this.#census = census;
    this.#before = countKinds(census());
  }

  /** A leak when kinds of resources are open now that were not, or were fewer, at the beginning. */
  unexpected(): Leak | null {
    const more = [...countKinds(this.#census())]
      .filter(([kind, count]) => !EXPECTED_RESOURCES.has(kind) && count > (this.#before.get(kind) ?? 0))
      .map(([kind]) => kind)
      .sort();
    if (more.length === 0) return null;
    const words = more.map((kind) => (kind in RESOURCE_WORDS ? `${RESOURCE_WORDS[kind]} (${kind})` : kind));
    return {
      kind: 'resource',
      what: more.join(', '),
      caller: null,
      message: `The simulated run ended while it held ${words.join(', ')}: the program waits for the real world.`,
      remedy:
        'Look for code that copied a function of Node before the simulation began, or for a native addon; take the ' +
        'clock, timers, files and sockets of the runtime, or wrap the effect behind a port.',
    };
  }
}

function countKinds(kinds: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const kind of kinds) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return counts;
}
