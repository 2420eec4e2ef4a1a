// One connection through the proxy: the socket of the client, the socket to the server, and a link for each direction.
//
// Owns:    both sockets, backpressure between them, and how one side learns of the death of the other.
// Not:     which toxics apply (real-toxic-proxy.ts), what they do (real-toxic-stages.ts).
//
// C1. A sender is paused while its link holds LINK_HELD_BYTES_MAX or more, until half of that has gone.
// C2. Ends travel through the toxics as bytes do; an error or a reset does not wait: the other side sees it at once.
// C3. `onClosed` comes once, when both sockets are closed.

import { connect, type Socket } from 'node:net';
import type { ToxicDirection } from './real-toxic-kinds.js';
import { ToxicLink } from './real-toxic-link.js';
import type { StageSurroundings } from './real-toxic-stages.js';

/** Enough to keep a fast loopback busy; what a slow toxic holds beyond it waits in the sender. One more chunk of 64 KiB may come on top. */
export const LINK_HELD_BYTES_MAX: number = 256 * 1_024;

export interface ConnectionOptions {
  readonly client: Socket;
  readonly upstream: { readonly host: string; readonly port: number };
  readonly time: StageSurroundings['time'];
  /** A toxic has swallowed so many bytes. */
  readonly onLost: (bytes: number) => void;
  readonly onClosed: () => void;
}

export class ToxicConnection {
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #links: Readonly<Record<ToxicDirection, ToxicLink>>;
  readonly #onLost: (bytes: number) => void;
  readonly #onClosed: () => void;
  #open = 2;

  constructor({ client, upstream, time, onLost, onClosed }: ConnectionOptions) {
    this.#client = client;
    this.#server = connect({ host: upstream.host, port: upstream.port, allowHalfOpen: true });
    this.#onLost = onLost;
    this.#onClosed = onClosed;
    this.#links = {
      upstream: this.#link(this.#client, this.#server, time),
      downstream: this.#link(this.#server, this.#client, time),
    };
    this.#attach(this.#client, this.#links.upstream);
    this.#attach(this.#server, this.#links.downstream);
  }

  get heldBytes(): number {
    return this.#links.upstream.heldBytes + this.#links.downstream.heldBytes;
  }

  link(direction: ToxicDirection): ToxicLink {
    return this.#links[direction];
  }

  breakOff(how: 'close' | 'reset'): void {
    this.#links.upstream.stop();
    this.#links.downstream.stop();
    for (const socket of [this.#client, this.#server]) {
      if (socket.destroyed) continue;
      if (how === 'reset') socket.resetAndDestroy();
      else socket.destroy();
    }
  }

  #link(sender: Socket, receiver: Socket, time: StageSurroundings['time']): ToxicLink {
    return new ToxicLink({
      time,
      deliver: (bytes, taken) => {
        if (receiver.writable) receiver.write(bytes, taken);
        else taken();
      },
      end: () => void receiver.end(),
      cut: () => {
        receiver.end();
        sender.destroy();
        // Whatever the receiver still says is taken and forgotten: unread, it would turn its end into a reset.
        for (const link of Object.values(this.#links)) link.stop();
        receiver.resume();
      },
      breakOff: (how) => this.breakOff(how),
      lost: (bytes) => this.#onLost(bytes),
      held: (bytes) => {
        if (bytes >= LINK_HELD_BYTES_MAX) sender.pause();
        else if (bytes <= LINK_HELD_BYTES_MAX / 2 && sender.isPaused()) sender.resume();
      },
    });
  }

  #attach(sender: Socket, link: ToxicLink): void {
    // Slices are to arrive as slices.
    sender.setNoDelay(true);
    let failed = false;
    sender.on('data', (bytes: Buffer) => link.accept(bytes));
    sender.on('end', () => link.acceptEnd());
    sender.on('error', () => {
      failed = true;
    });
    sender.once('close', () => {
      if (failed) this.breakOff('reset');
      this.#open -= 1;
      if (this.#open > 0) return;
      this.breakOff('close');
      this.#onClosed();
    });
  }
}
