// Faults of connections that the program under test opens: they break, and bytes are late.
//
// Owns:    the sockets of a simulated process, with the faults of the plan in them.
// Not:     servers (src/testing/virtual-network.ts), real connections (real-toxic-proxy.ts).
//
// N1. Bytes keep their order: what comes behind late bytes is late too, and so is the end.
// N2. A connection that breaks hands over nothing more, and tells the program once.

import type { Socket, Sockets, Timers } from '../base/runtime.js';
import type { Arsenal } from './arsenal.js';

export function faultySockets(sockets: Sockets, arsenal: Arsenal, timers: Timers): Sockets {
  if (!arsenal.has('network.reset', 'network.delay')) return sockets;
  return {
    async connect(address, handlers) {
      const hit = `${address.host}:${address.port}`;
      const fits = (target: string): boolean => target === '*' || target === String(address.port);
      const late: (() => void)[] = [];
      let ended = false;
      let socket: Socket | null = null;
      const inOrder = (work: () => void): void => {
        if (late.length > 0) late.push(work);
        else work();
      };
      const end = (error: Error | null): void => {
        if (ended) return;
        ended = true;
        handlers.onEnd(error);
      };
      const hold = (ms: number, work: () => void): void => {
        late.push(work);
        if (late.length > 1) return;
        timers.after(ms, () => {
          for (const each of late.splice(0)) each();
        });
      };
      socket = await sockets.connect(address, {
        onData(bytes) {
          if (ended) return;
          if (arsenal.strike('network.reset', fits, hit) !== null) {
            socket?.destroy();
            late.length = 0;
            return end(Object.assign(new Error(`read ECONNRESET ${hit}`), { code: 'ECONNRESET' }));
          }
          const give = (): void => {
            if (!ended) handlers.onData(bytes);
          };
          const delay = arsenal.strike('network.delay', fits, hit);
          if (delay === null) inOrder(give);
          else hold(delay.parameter('ms'), give);
        },
        onEnd: (error) => inOrder(() => end(error)),
      });
      return socket;
    },
  };
}
