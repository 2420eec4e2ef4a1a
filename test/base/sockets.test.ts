// One contract, two networks.

import { createServer, type Socket as NodeSocket, type Server } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { nodeRuntime } from '../../src/base/node-runtime.js';
import type { SocketHandlers, Sockets } from '../../src/base/runtime.js';
import { virtualRuntime } from '../../src/testing/virtual-runtime.js';

interface Peer {
  send(text: string): void;
  end(): void;
  received(): string;
}

interface Subject {
  readonly sockets: Sockets;
  readonly port: number;
  /** The server's end of the next connection. */
  readonly peer: Promise<Peer>;
  /** Lets things happen until the condition holds. */
  until(condition: () => boolean): Promise<void>;
  cleanUp(): void;
}

const subjects: Record<string, () => Promise<Subject>> = {
  async node() {
    const sockets: NodeSocket[] = [];
    const server: Server = createServer();
    const peer = new Promise<Peer>((resolve) => {
      server.on('connection', (socket) => {
        sockets.push(socket);
        let text = '';
        socket.on('data', (bytes) => (text += bytes));
        socket.on('error', () => socket.destroy());
        resolve({ send: (sent) => socket.write(sent), end: () => socket.end(), received: () => text });
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    return {
      sockets: nodeRuntime().sockets,
      port: typeof address === 'object' && address !== null ? address.port : 0,
      peer,
      async until(condition) {
        while (!condition()) await new Promise((resolve) => setImmediate(resolve));
      },
      cleanUp() {
        for (const socket of sockets) socket.destroy();
        server.close();
      },
    };
  },
  async virtual() {
    const runtime = virtualRuntime({ seed: 1 });
    const peer = new Promise<Peer>((resolve) => {
      runtime.network.listen(80, (connection) =>
        resolve({
          send: (text) => connection.send(text),
          end: () => connection.end(),
          received: () => connection.received.map((bytes) => Buffer.from(bytes).toString()).join(''),
        }),
      );
    });
    return {
      sockets: runtime.sockets,
      port: 80,
      peer,
      until: (condition) => runtime.run(condition),
      cleanUp: () => {},
    };
  },
};

describe.each(Object.keys(subjects))('sockets of %s', (name) => {
  let subject: Subject;
  let log: string[];
  const handlers: SocketHandlers = {
    onData: (bytes) => log.push(Buffer.from(bytes).toString()),
    onEnd: (error) => log.push(error === null ? 'END' : `ERROR ${error.message}`),
  };
  const settled = async <T>(work: Promise<T>): Promise<T> => {
    let done = false;
    const mark = (): void => {
      done = true;
    };
    work.then(mark, mark);
    await subject.until(() => done);
    return await work;
  };
  const story = (title: string, tell: () => Promise<void>): void => {
    test(title, async () => {
      const make = subjects[name];
      if (make === undefined) throw new Error(name);
      subject = await make();
      log = [];
      await tell();
    });
  };
  afterEach(() => subject.cleanUp());

  story('bytes come in order, then the end, once', async () => {
    const socket = await settled(
      subject.sockets.connect({ host: '127.0.0.1', port: subject.port }, handlers),
    );
    const peer = await settled(subject.peer);
    socket.write(Buffer.from('hello'));
    peer.send('one ');
    peer.send('two');
    peer.end();
    await subject.until(() => log.includes('END'));
    expect(log.slice(0, -1).join('')).toBe('one two');
    expect(peer.received()).toBe('hello');
    socket.destroy();
    expect(log.filter((entry) => entry === 'END')).toHaveLength(1);
  });

  story('nothing arrives while paused, nothing is lost by it', async () => {
    const socket = await settled(
      subject.sockets.connect({ host: '127.0.0.1', port: subject.port }, handlers),
    );
    const peer = await settled(subject.peer);
    peer.send('first');
    await subject.until(() => log.length === 1);
    socket.pause();
    peer.send('second');
    peer.end();
    let turns = 0;
    const look = (): boolean => {
      turns += 1;
      return turns > 20;
    };
    await subject.until(look);
    expect(log).toEqual(['first']);
    socket.resume();
    await subject.until(() => log.length === 3);
    expect(log).toEqual(['first', 'second', 'END']);
  });

  story('destroy ends the connection, and onEnd is told', async () => {
    const socket = await settled(
      subject.sockets.connect({ host: '127.0.0.1', port: subject.port }, handlers),
    );
    socket.destroy();
    await subject.until(() => log.length > 0);
    expect(log).toEqual(['END']);
  });

  story('nobody listening rejects with the code, and calls no handler', async () => {
    subject.cleanUp();
    const free = subject.port === 80 ? 81 : subject.port;
    const connected = settled(subject.sockets.connect({ host: '127.0.0.1', port: free }, handlers));
    await expect(connected).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect(log).toEqual([]);
  });
});
