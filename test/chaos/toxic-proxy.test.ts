// Rules of the toxic proxy, with real sockets and virtual time: the order of events, the bytes and the errors.

import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { randomStream } from '../../src/base/random-stream.js';
import { LINK_HELD_BYTES_MAX } from '../../src/chaos/real-toxic-connection.js';
import type { Toxic, ToxicKind } from '../../src/chaos/real-toxic-kinds.js';
import { ToxicLink } from '../../src/chaos/real-toxic-link.js';
import { type ToxicProxy, toxicProxy } from '../../src/chaos/real-toxic-proxy.js';
import { ManualTime } from './fixtures/manual-time.js';
import { connectPeer, PeerServer, type SocketPeer } from './fixtures/socket-peer.js';

interface Bench {
  readonly time: ManualTime;
  readonly server: PeerServer;
  readonly proxy: ToxicProxy;
  client(): Promise<SocketPeer>;
}

const cleanUps: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

async function bench(mode: 'echo' | 'silent' = 'echo', seed = 1): Promise<Bench> {
  const time = new ManualTime();
  const server = new PeerServer(mode);
  const port = await server.listen();
  const proxy = await toxicProxy({ upstream: { host: '127.0.0.1', port }, runtime: time, seed });
  const clients: SocketPeer[] = [];
  cleanUps.push(async () => {
    for (const { socket } of clients) socket.destroy();
    await proxy.close();
    await server.close();
  });
  return {
    time,
    server,
    proxy,
    async client() {
      const client = await connectPeer(proxy.port);
      clients.push(client);
      return client;
    },
  };
}

const payload = (length: number): string =>
  Array.from({ length }, (_, index) => String.fromCharCode(33 + (index % 90))).join('');

/** Lets the real event loop turn: everything that needs no virtual time has happened then, as far as sockets go. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
}

describe('without toxics', () => {
  test('bytes and ends go through in both directions', async () => {
    const { client: connect, proxy } = await bench();
    const client = await connect();
    const text = payload(1_000_000);
    client.write(text);
    client.socket.end();
    expect(await client.closed()).toBe('end');
    expect(client.text === text).toBe(true);
    expect(proxy.heldBytes).toBe(0);
  });

  test('a server that cannot be reached breaks the connection of the client', async () => {
    const { client: connect, server } = await bench();
    await server.close();
    const client = await connect();
    expect(await client.closed()).toBe('ECONNRESET');
  });

  test('a reset of one side is told to the other', async () => {
    const { client: connect, server } = await bench('silent');
    const client = await connect();
    const peer = await server.peer();
    client.write('a');
    await peer.received(1);
    peer.socket.resetAndDestroy();
    expect(await client.closed()).toBe('ECONNRESET');
  });
});

describe('latency', () => {
  test('a chunk waits, and not longer', async () => {
    const { client: connect, proxy, time, server } = await bench();
    proxy.add({ kind: 'latency', direction: 'downstream', latencyMs: 100 });
    const client = await connect();
    client.write('a');
    await time.waiting();
    expect((await server.peer()).text).toBe('a');
    expect(time.dueInMs).toEqual([100]);
    time.advance(99);
    expect(proxy.heldBytes).toBe(1);
    time.advance(1);
    expect(await client.received(1)).toBe('a');
    expect(proxy.heldBytes).toBe(0);
  });

  test('jitter stays in its bounds, comes from the seed, and keeps the order', async () => {
    const delays: number[][] = [];
    for (const seed of [1, 1, 2]) {
      const { client: connect, proxy, time } = await bench('echo', seed);
      proxy.add({ kind: 'latency', direction: 'upstream', latencyMs: 100, jitterMs: 20 });
      const client = await connect();
      const seen: number[] = [];
      for (let round = 1; round <= 5; round += 1) {
        client.write(`${round}`);
        await time.waiting();
        seen.push(...time.dueInMs);
        time.advance(120);
        expect(await client.received(round)).toBe('12345'.slice(0, round));
      }
      delays.push(seen);
    }
    for (const delay of delays.flat()) expect(Math.abs(delay - 100)).toBeLessThanOrEqual(20);
    expect(new Set(delays[0]).size).toBe(5);
    expect(delays[1]).toEqual(delays[0]);
    expect(delays[2]).not.toEqual(delays[0]);
  });

  test('new numbers hold for what comes after them, and what is removed lets go', async () => {
    const { client: connect, proxy, time, server } = await bench('silent');
    const name = proxy.add({ kind: 'latency', direction: 'upstream', latencyMs: 100 });
    const client = await connect();
    const peer = await server.peer();
    client.write('a');
    await time.waiting();
    proxy.update(name, { kind: 'latency', latencyMs: 10 });
    time.advance(100);
    expect(await peer.received(1)).toBe('a');
    client.write('b');
    await time.waiting();
    expect(time.dueInMs).toEqual([10]);
    await proxy.remove(name);
    expect(await peer.received(2)).toBe('ab');
    expect(time.dueInMs).toEqual([]);
  });
});

describe('bandwidth', () => {
  test('a tenth of a second of bytes passes at a time', async () => {
    const { client: connect, proxy, time, server } = await bench('silent');
    proxy.add({ kind: 'bandwidth', direction: 'upstream', bytesPerSecond: 1_000 });
    const client = await connect();
    const peer = await server.peer();
    client.write(payload(250));
    for (const [waitMs, total] of [
      [100, 100],
      [100, 200],
      [50, 250],
    ] as const) {
      await time.waiting();
      expect(time.dueInMs).toEqual([waitMs]);
      time.advance(waitMs);
      expect(await peer.received(total)).toBe(payload(250).slice(0, total));
    }
  });
});

describe('slow_close', () => {
  test('bytes pass at once, their end later', async () => {
    const { client: connect, proxy, time, server } = await bench('silent');
    proxy.add({ kind: 'slow_close', direction: 'upstream', delayMs: 500 });
    const client = await connect();
    const peer = await server.peer();
    client.write('last words');
    client.socket.end();
    expect(await peer.received(10)).toBe('last words');
    await time.waiting();
    time.advance(499);
    expect(time.dueInMs).toEqual([1]);
    expect(peer.ended).toBe(false);
    time.advance(1);
    await peer.until(({ ended }) => ended);
  });
});

describe('timeout', () => {
  test('nothing passes, then the connection is closed', async () => {
    const { client: connect, proxy, time, server } = await bench();
    proxy.add({ kind: 'timeout', direction: 'upstream', timeoutMs: 1_000 });
    const client = await connect();
    const peer = await server.peer();
    client.write('lost');
    while (proxy.lostBytes < 4) await turns(1);
    expect(time.dueInMs).toEqual([1_000]);
    time.advance(1_000);
    expect(await client.closed()).toBe('end');
    expect(await peer.closed()).toBe('end');
    expect(peer.text).toBe('');
  });

  test('0 never closes; what came is lost when it goes, and what comes then passes', async () => {
    const { client: connect, proxy, time, server } = await bench('silent');
    const client = await connect();
    const peer = await server.peer();
    const name = proxy.add({ kind: 'timeout', direction: 'upstream', timeoutMs: 0 });
    const swallowed = proxy.add({ kind: 'latency', direction: 'upstream', latencyMs: 1 });
    client.write('lost');
    while (proxy.lostBytes < 4) await turns(1);
    expect([time.dueInMs, proxy.heldBytes]).toEqual([[], 0]);
    await proxy.remove(swallowed);
    await proxy.remove(name);
    client.write('found');
    expect(await peer.received(5)).toBe('found');
  });

  test('an end that it swallowed is told when it goes', async () => {
    const { client: connect, proxy, server } = await bench('silent');
    const name = proxy.add({ kind: 'timeout', direction: 'upstream', timeoutMs: 0 });
    const client = await connect();
    const peer = await server.peer();
    client.socket.end();
    await turns(20);
    expect(peer.ended).toBe(false);
    await proxy.remove(name);
    await peer.until(({ ended }) => ended);
  });
});

describe('reset_peer', () => {
  test('both sides see a reset after the time, and nothing before', async () => {
    const { client: connect, proxy, time, server } = await bench('silent');
    proxy.add({ kind: 'reset_peer', direction: 'upstream', timeoutMs: 50 });
    const client = await connect();
    const peer = await server.peer();
    client.write('never');
    await time.waiting();
    expect(client.outcome).toBeNull();
    time.advance(50);
    expect([await client.closed(), await peer.closed()]).toEqual(['ECONNRESET', 'ECONNRESET']);
    expect(peer.text).toBe('');
  });

  test('without a time it hits at once', async () => {
    const { client: connect, proxy, server } = await bench('silent');
    const client = await connect();
    const peer = await server.peer();
    proxy.add({ kind: 'reset_peer' });
    expect([await client.closed(), await peer.closed()]).toEqual(['ECONNRESET', 'ECONNRESET']);
  });
});

describe('slicer', () => {
  test('bytes arrive in slices, one after the other', async () => {
    const { client: connect, proxy, time, server } = await bench('silent');
    proxy.add({ kind: 'slicer', direction: 'upstream', averageBytes: 3, delayMs: 10 });
    const client = await connect();
    const peer = await server.peer();
    client.write('abcdefgh');
    for (const text of ['abc', 'abcdef', 'abcdefgh']) {
      await time.waiting();
      time.advance(10);
      expect(await peer.received(text.length)).toBe(text);
    }
    expect(peer.pieces).toEqual(['abc', 'def', 'gh']);
  });

  test('a megabyte in slices of any size is still a megabyte', async () => {
    const { client: connect, proxy } = await bench();
    proxy.add({ kind: 'slicer', averageBytes: 500, variationBytes: 499 });
    const client = await connect();
    const text = payload(1_000_000);
    client.write(text);
    client.socket.end();
    expect(await client.closed()).toBe('end');
    expect(client.text === text).toBe(true);
  });
});

describe('several toxics', () => {
  test('each one takes what the one before it has passed', async () => {
    const { client: connect, proxy, time, server } = await bench('silent');
    proxy.add({ kind: 'latency', direction: 'upstream', latencyMs: 100 });
    proxy.add({ kind: 'slicer', direction: 'upstream', averageBytes: 2, delayMs: 10 });
    proxy.add({ kind: 'limit_data', direction: 'upstream', bytes: 3 });
    const client = await connect();
    const peer = await server.peer();
    client.write('abcd');
    for (const [waitMs, text] of [
      [100, ''],
      [10, 'ab'],
      [10, 'abc'],
    ] as const) {
      await time.waiting();
      expect(time.dueInMs).toEqual([waitMs]);
      time.advance(waitMs);
      expect(await peer.received(text.length)).toBe(text);
    }
    await peer.until(({ ended }) => ended);
    expect([peer.text, proxy.lostBytes]).toEqual(['abc', 1]);
  });
});

describe('limit_data', () => {
  test('exactly so many bytes pass, then the connection ends', async () => {
    const { client: connect, proxy, server } = await bench('silent');
    proxy.add({ kind: 'limit_data', direction: 'downstream', bytes: 5 });
    const client = await connect();
    const peer = await server.peer();
    peer.write('abc');
    expect(await client.received(3)).toBe('abc');
    expect(client.ended).toBe(false);
    peer.write('defg');
    await client.until(({ ended }) => ended);
    expect(client.text).toBe('abcde');
    await peer.closed();
    expect(proxy.lostBytes).toBe(2);
  });
});

describe('down', () => {
  test('open connections are closed and new ones refused, until it goes', async () => {
    const { client: connect, proxy } = await bench();
    const before = await connect();
    before.write('a');
    await before.received(1);
    const { port } = proxy;
    proxy.add({ kind: 'down' });
    expect(await before.closed()).toBe('end');
    expect((await connect()).outcome).toBe('ECONNREFUSED');
    await proxy.remove('down');
    expect(proxy.port).toBe(port);
    const after = await connect();
    after.write('b');
    expect(await after.received(1)).toBe('b');
  });
});

describe('toxicity', () => {
  test('which connections are hit is decided by the seed', async () => {
    const hits: string[] = [];
    for (const seed of [3, 3, 4]) {
      const { client: connect, proxy } = await bench('echo', seed);
      proxy.add({ kind: 'reset_peer', toxicity: 0.5 });
      let seen = '';
      for (let index = 0; index < 12; index += 1) {
        const client = await connect();
        client.write('a');
        await client.until(({ outcome, text }) => outcome !== null || text !== '');
        seen += client.text === 'a' ? '.' : 'x';
      }
      hits.push(seen);
    }
    expect(hits[0]).toMatch(/x.*\.|\..*x/);
    expect(hits[1]).toBe(hits[0]);
    expect(hits[2]).not.toBe(hits[0]);
  });
});

describe('backpressure', () => {
  test('a slow toxic holds a bounded number of bytes; the rest waits in the sender, and none is lost', async () => {
    const { client: connect, proxy, time, server } = await bench('silent');
    const name = proxy.add({ kind: 'bandwidth', direction: 'upstream', bytesPerSecond: 100_000 });
    const client = await connect();
    const peer = await server.peer();
    const text = payload(16_000_000);
    client.write(text);
    await time.waiting();
    while (proxy.heldBytes < LINK_HELD_BYTES_MAX) await turns(1);
    await turns(200);
    expect(proxy.heldBytes).toBeLessThanOrEqual(LINK_HELD_BYTES_MAX + 65_536);
    expect(client.socket.writableLength).toBeGreaterThan(0);
    await proxy.remove(name);
    await peer.received(text.length);
    expect(peer.text === text).toBe(true);
  });
});

describe('the proxy', () => {
  test('close leaves no socket, no listener and no timer behind', async () => {
    const { client: connect, proxy, time, server } = await bench();
    proxy.add({ kind: 'latency', latencyMs: 100 });
    proxy.add({ kind: 'timeout', direction: 'upstream', timeoutMs: 1_000, toxicity: 0.5 });
    const clients = [await connect(), await connect(), await connect()];
    for (const client of clients) client.write('a');
    for (const index of clients.keys()) await server.peer(index);
    await time.waiting();
    await proxy.close();
    expect(proxy.connections).toBe(0);
    expect(time.dueInMs).toEqual([]);
    for (const client of clients) await client.closed();
    expect((await connect()).outcome).toBe('ECONNREFUSED');
    await proxy.close();
  });

  test.each<[string, Toxic, string]>([
    ['a negative time', { kind: 'latency', latencyMs: -1 }, 'expected latencyMs of 0 or more, got -1'],
    ['no bandwidth', { kind: 'bandwidth', bytesPerSecond: 0 }, 'expected bytesPerSecond of 1 or more, got 0'],
    ['a toxicity above 1', { kind: 'down', toxicity: 2 }, 'expected a toxicity from 0 to 1, got 2'],
    ['a missing number', { kind: 'timeout' } as Toxic, 'expected timeoutMs'],
    ['an unknown kind', { kind: 'slow' } as unknown as Toxic, 'expected a kind of latency, down'],
  ])('%s is refused', async (_what, toxic, message) => {
    const { proxy } = await bench();
    expect(() => proxy.add(toxic)).toThrow(message);
    expect(proxy.toxics).toEqual([]);
  });

  test('names are unique, known, and keep their kind', async () => {
    const { proxy } = await bench();
    const name = proxy.add({ kind: 'latency', latencyMs: 1 });
    expect(name).toBe('latency_downstream');
    expect(() => proxy.add({ kind: 'latency', latencyMs: 2 })).toThrow(
      'already has a toxic "latency_downstream"',
    );
    expect(() => proxy.update(name, { kind: 'slow_close', delayMs: 1 })).toThrow('is a latency downstream');
    await expect(proxy.remove('other')).rejects.toThrow('no toxic "other"; it has: latency_downstream');
    await proxy.reset();
    expect(proxy.toxics).toEqual([]);
  });
});

describe('a chain of toxics that lose nothing', () => {
  const harmless: fc.Arbitrary<ToxicKind> = fc.oneof(
    fc.record({ kind: fc.constant('latency' as const), latencyMs: fc.nat(50), jitterMs: fc.nat(50) }),
    fc.record({
      kind: fc.constant('bandwidth' as const),
      bytesPerSecond: fc.integer({ min: 1, max: 5_000 }),
    }),
    fc.record({ kind: fc.constant('slow_close' as const), delayMs: fc.nat(50) }),
    fc.record({
      kind: fc.constant('slicer' as const),
      averageBytes: fc.integer({ min: 1, max: 9 }),
      variationBytes: fc.nat(9),
      delayMs: fc.nat(5),
    }),
  );
  const act = fc.oneof(
    fc.record({ do: fc.constant('send' as const), text: fc.string({ minLength: 1, maxLength: 30 }) }),
    fc.record({ do: fc.constant('advance' as const), ms: fc.nat(100) }),
    fc.record({ do: fc.constant('add' as const), toxic: harmless }),
    fc.record({ do: fc.constant('remove' as const), index: fc.nat(3) }),
  );

  test('whatever is added, removed and waited for, all bytes arrive in order, and then the end', () => {
    fc.assert(
      fc.property(fc.array(act, { maxLength: 40, size: 'max' }), (acts) => {
        const time = new ManualTime();
        const arrived: string[] = [];
        let held = 0;
        const link = new ToxicLink({
          time,
          deliver: (bytes, taken) => {
            arrived.push(Buffer.from(bytes).toString());
            taken();
          },
          end: () => arrived.push('<end>'),
          cut: () => arrived.push('<cut>'),
          breakOff: (how) => arrived.push(`<${how}>`),
          lost: (bytes) => arrived.push(`<${bytes} lost>`),
          held: (bytes) => {
            held = bytes;
          },
        });
        let sent = '';
        const names: string[] = [];
        for (const [index, step] of acts.entries()) {
          if (step.do === 'advance') time.advance(step.ms);
          else if (step.do === 'remove') link.remove(names.splice(step.index, 1)[0] ?? 'none');
          else if (step.do === 'add') {
            names.push(`${index}`);
            link.add(`${index}`, step.toxic, randomStream(1, `${index}`));
          } else {
            // One byte per character, so that a slice cuts no character in two.
            const text = step.text.replace(/[^ -~]/g, '?');
            sent += text;
            link.accept(Buffer.from(text));
          }
        }
        link.acceptEnd();
        while (time.dueInMs.length > 0) time.advance(60_000);
        expect(arrived.join('')).toBe(`${sent}<end>`);
        expect(held).toBe(0);
      }),
    );
  });
});
