// TCP connections, through node:net.
//
// Owns:    connecting, flow control, and telling the end exactly once.
// Not:     framing, reconnecting (connectors).
//
// A1. `onEnd` comes once, after the last `onData`, also after `destroy`.
// A2. A connection that never came to be rejects `connect` and calls no handler.

import { connect } from 'node:net';
import type { Socket, Sockets } from './runtime.js';

export const nodeSockets: Sockets = {
  connect: (address, handlers) =>
    new Promise<Socket>((resolve, reject) => {
      const socket = connect({ host: address.host, port: address.port });
      // Data may come before the caller has awaited the socket; holding it back here loses none of it.
      socket.pause();
      let failure: Error | null = null;
      socket.on('error', (error) => {
        failure ??= error;
      });
      socket.once('close', () =>
        reject(failure ?? new Error(`no connection to ${address.host}:${address.port}`)),
      );
      socket.once('connect', () => {
        socket.removeAllListeners('close');
        socket.on('data', (bytes: Buffer) => handlers.onData(new Uint8Array(bytes)));
        socket.once('close', () => handlers.onEnd(failure));
        resolve({
          pause: () => void socket.pause(),
          resume: () => void socket.resume(),
          write: (bytes) => void socket.write(bytes),
          destroy: () => void socket.destroy(),
        });
        socket.resume();
      });
    }),
};
