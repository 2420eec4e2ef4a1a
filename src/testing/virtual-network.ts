// A network in memory: servers that a test plays, and the sockets that simulated processes open to them.
//
// Owns:    connections, their order, pausing, and broken ends.
// Not:     DNS, latency, packet loss: TCP hides them, except as a connection that breaks.
//
// A1. Bytes arrive in the order of `send`, each send in one piece, never while the receiver has paused.
// A2. `onEnd` comes once, after all bytes that were sent before the end.

import type { Socket, SocketHandlers, Sockets } from '../base/runtime.js';
import type { VirtualProcess } from './virtual-machine.js';

/** The server's end of a connection, in the hands of the test. */
export interface VirtualConnection {
  /** Everything that the client wrote so far, in order. */
  readonly received: readonly Uint8Array[];
  readonly isOpen: boolean;
  send(bytes: Uint8Array | string): void;
  /** Closes cleanly after what was sent. */
  end(): void;
  /** Breaks the connection after what was sent; the client sees the error. */
  fail(error: Error): void;
}

export class VirtualNetwork {
  readonly #servers = new Map<number, (connection: VirtualConnection) => void>();

  /** Accepts connections to `port` on every host name. Replaces an earlier server of the port. */
  listen(port: number, onConnection: (connection: VirtualConnection) => void): void {
    this.#servers.set(port, onConnection);
  }

  /** Later connections are refused. */
  unlisten(port: number): void {
    this.#servers.delete(port);
  }

  server(port: number): ((connection: VirtualConnection) => void) | undefined {
    return this.#servers.get(port);
  }
}

export function virtualSockets(network: VirtualNetwork, process: VirtualProcess): Sockets {
  let connections = 0;
  return {
    async connect(address, handlers) {
      connections += 1;
      const lane = `socket ${process.number}.${connections}`;
      return await process.perform(lane, 0, () => {
        const accept = network.server(address.port);
        if (accept === undefined) throw refused(address);
        const pipe = new Pipe(process, lane, handlers);
        // The server speaks in a later step, so that the client holds its socket by then.
        process.enqueue(lane, () => accept(pipe));
        return pipe.client;
      });
    },
  };
}

type Arrival =
  | { readonly kind: 'data'; readonly bytes: Uint8Array }
  | { readonly kind: 'end'; readonly error: Error | null };

class Pipe implements VirtualConnection {
  readonly received: Uint8Array[] = [];
  readonly client: Socket;
  readonly #process: VirtualProcess;
  readonly #lane: string;
  readonly #handlers: SocketHandlers;
  readonly #arrivals: Arrival[] = [];
  #paused = false;
  #open = true;

  constructor(process: VirtualProcess, lane: string, handlers: SocketHandlers) {
    this.#process = process;
    this.#lane = lane;
    this.#handlers = handlers;
    this.client = {
      pause: () => {
        this.#paused = true;
      },
      resume: () => {
        this.#paused = false;
        this.#wake();
      },
      write: (bytes) => {
        if (this.isOpen) this.received.push(new Uint8Array(bytes));
      },
      destroy: () => {
        this.#arrivals.length = 0;
        this.#paused = false;
        this.#arrive({ kind: 'end', error: null });
      },
    };
  }

  get isOpen(): boolean {
    return this.#open && this.#process.alive;
  }

  send(bytes: Uint8Array | string): void {
    this.#arrive({ kind: 'data', bytes: new Uint8Array(Buffer.from(bytes)) });
  }

  end(): void {
    this.#arrive({ kind: 'end', error: null });
  }

  fail(error: Error): void {
    this.#arrive({ kind: 'end', error });
  }

  #arrive(arrival: Arrival): void {
    if (!this.#open) return;
    this.#arrivals.push(arrival);
    this.#wake();
  }

  #wake(): void {
    this.#process.enqueue(this.#lane, () => this.#deliver());
  }

  #deliver(): void {
    if (this.#paused || !this.#open) return;
    const arrival = this.#arrivals.shift();
    if (arrival === undefined) return;
    if (arrival.kind === 'data') {
      this.#handlers.onData(arrival.bytes);
      this.#wake();
    } else {
      this.#open = false;
      this.#handlers.onEnd(arrival.error);
    }
  }
}

function refused(address: { readonly host: string; readonly port: number }): Error {
  const message = `connect ECONNREFUSED ${address.host}:${address.port}`;
  return Object.assign(new Error(message), { code: 'ECONNREFUSED', syscall: 'connect' });
}
