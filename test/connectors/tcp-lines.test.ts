import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nodeRuntime } from '../../src/base/node-runtime.js';
import { tcpLines } from '../../src/connectors/tcp-lines.js';
import { verifySource } from '../../src/testing/source-contract.js';
import type { VirtualConnection } from '../../src/testing/virtual-network.js';
import { type VirtualRuntime, virtualRuntime } from '../../src/testing/virtual-runtime.js';
import { SourceProbe } from './source-probe.js';

const ADDRESS = { host: 'feed', port: 7_000 };

async function connected(options: Partial<Parameters<typeof tcpLines>[0]> = {}) {
  const runtime = virtualRuntime({ seed: 1 });
  const connections: VirtualConnection[] = [];
  runtime.network.listen(ADDRESS.port, (connection) => void connections.push(connection));
  const probe = await new SourceProbe(tcpLines({ ...ADDRESS, ...options }), runtime).open();
  return { probe, connections, runtime };
}

test('a connection keeps the contract of a source that cannot be replayed', () =>
  verifySource(() => tcpLines(ADDRESS), {
    prepare(runtime) {
      (runtime as VirtualRuntime).network.listen(ADDRESS.port, (connection) => {
        for (let part = 0; part < 50; part += 1) connection.send(`a${part}\nb${part}\r\nc`);
        connection.end();
      });
    },
    expected: [
      ...Array.from({ length: 50 }, (_, part) => [part === 0 ? 'a0' : `ca${part}`, `b${part}`]).flat(),
      'c',
    ],
    runs: 5,
  }));

test('a connection keeps the contract over a real socket, larger than all buffers', async () => {
  const lines = Array.from({ length: 50_000 }, (_, index) => `line ${index} ${'x'.repeat(60)}`);
  const server = createServer((socket) => void socket.end(lines.join('\n')));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const runtime = nodeRuntime();
  await verifySource(() => tcpLines({ host: '127.0.0.1', port }), {
    runtime: () => runtime,
    expected: lines,
    recordsMax: 256,
    runs: 2,
  });
  server.close();
});

test('a poll waits for data, and closing ends the wait', async () => {
  const { probe, connections, runtime } = await connected();
  const waiting = probe.startPoll();
  await runtime.advance(1_000);
  connections[0]?.send('hel');
  await runtime.advance(1);
  connections[0]?.send('lo\n');
  expect(await probe.settle(waiting)).toMatchObject({ kind: 'records', values: ['hello'], next: 1 });
  const pending = probe.startPoll();
  await probe.close();
  expect(await probe.settle(pending)).toMatchObject({ kind: 'nothing' });
  await runtime.run();
  expect(connections[0]?.isOpen).toBe(false);
});

test('a sender that is faster than the job is held back', async () => {
  const machine = virtualRuntime({ seed: 1 });
  let receivedBytes = 0;
  const connect: VirtualRuntime['sockets']['connect'] = (address, handlers) =>
    machine.sockets.connect(address, {
      ...handlers,
      onData(bytes) {
        receivedBytes += bytes.byteLength;
        handlers.onData(bytes);
      },
    });
  const runtime: VirtualRuntime = Object.create(machine, { sockets: { value: { connect } } });
  runtime.network.listen(ADDRESS.port, (connection) => {
    for (let block = 0; block < 64; block += 1) connection.send(`${'x'.repeat(65_535)}\n`);
    connection.end();
  });
  const probe = await new SourceProbe(tcpLines(ADDRESS), runtime).open();
  await probe.poll(1);
  await runtime.run();
  expect(receivedBytes).toBeLessThanOrEqual(6 * 65_536);
  for (let line = 2; line <= 64; line += 1) {
    await probe.poll(1);
    await runtime.run();
    expect(receivedBytes).toBeLessThanOrEqual((line + 5) * 65_536);
  }
  expect(await probe.poll(1)).toMatchObject({ kind: 'splitEnd' });
});

const MIB = 1024 * 1024;

test.each([
  ['a line of 256 KiB', 256 * 1024],
  ['a line of three quarters of a MiB', 768 * 1024],
  ['a line at the bound', MIB],
])('%s comes through, between others, with the sender held back', async (_name, bytes) => {
  const { probe, connections } = await connected();
  const first = probe.startPoll();
  await probe.runtime.advance(1);
  const text = ['before', 'x'.repeat(bytes), 'y'.repeat(bytes), 'after\n'].join('\n');
  for (let from = 0; from < text.length; from += 60_000)
    connections[0]?.send(text.slice(from, from + 60_000));
  connections[0]?.end();
  const polled = await probe.settle(first);
  await probe.readAll();
  expect(polled).toMatchObject({ values: ['before'] });
  const values = ['before', ...probe.values];
  expect(values.map((value) => value.length)).toEqual([6, bytes, bytes, 5]);
});

test('a flood without line end fails the attempt, or is skipped to its end with a warning', async () => {
  const flood = (connection: VirtualConnection | undefined): void => {
    connection?.send('good\n');
    for (let part = 0; part < 40; part += 1) connection?.send('x'.repeat(100_000));
    connection?.send('\nafter\n');
    connection?.end();
  };
  const failing = await connected();
  const first = failing.probe.startPoll();
  await failing.runtime.advance(1);
  flood(failing.connections[0]);
  expect(await failing.probe.settle(first)).toMatchObject({ values: ['good'] });
  await expect(failing.probe.poll()).rejects.toThrow(
    /longer than 1048576 bytes.*feed:7000, byte 5 after line 0/,
  );
  const skipping = await connected({ longLine: 'skip' });
  const polling = skipping.probe.startPoll();
  await skipping.runtime.advance(1);
  flood(skipping.connections[0]);
  expect(await skipping.probe.settle(polling)).toMatchObject({ values: ['good'] });
  await skipping.probe.readAll();
  expect(skipping.probe.values).toEqual(['after']);
  expect(skipping.probe.counts).toEqual({ 'source.linesTooLong': 1 });
  expect(skipping.probe.warnings).toEqual(['lines that are too long are skipped']);
});

test('a connection whose lines are all skipped is not held back for ever', async () => {
  const { probe, connections } = await connected({ invalid: 'skip' });
  const first = probe.startPoll();
  await probe.runtime.advance(1);
  connections[0]?.send('good\n');
  const bad = Buffer.alloc(300_000, 0xff);
  for (let at = 99; at < bad.length; at += 100) bad[at] = 0x0a;
  for (let part = 0; part < 4; part += 1) connections[0]?.send(bad);
  connections[0]?.send('after\n');
  connections[0]?.end();
  await probe.settle(first);
  await probe.readAll();
  expect(probe.values).toEqual(['after']);
  expect(probe.counts).toEqual({ 'source.linesInvalid': 12_000 });
});

test('the rule for long lines does not depend on how the bytes arrive', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 8 }),
      fc.array(fc.nat(), { maxLength: 8 }),
      fc.integer({ min: 1, max: 3 }),
      async (lengths, cuts, perPoll) => {
        const text = Buffer.from(lengths.map((length) => `${'x'.repeat(length)}\n`).join(''));
        const runtime = virtualRuntime({ seed: 1 });
        runtime.network.listen(ADDRESS.port, (connection) => {
          let from = 0;
          for (const cut of [...cuts.map((each) => each % text.length), text.length].sort((a, b) => a - b)) {
            connection.send(text.subarray(from, cut));
            from = cut;
          }
          connection.end();
        });
        const source = tcpLines({ ...ADDRESS, lineBytesMax: 20, longLine: 'skip' });
        const probe = await new SourceProbe(source, runtime).open();
        await probe.readAll(perPoll);
        expect(probe.values.map((value) => value.length)).toEqual(lengths.filter((length) => length <= 20));
      },
    ),
    { numRuns: 100 },
  );
});

test('without reconnect a clean end is the end of the source, a broken one fails the attempt', async () => {
  const clean = await connected();
  const end = clean.probe.startPoll();
  await clean.runtime.advance(1);
  clean.connections[0]?.send('last');
  clean.connections[0]?.end();
  expect(await clean.probe.settle(end)).toMatchObject({ values: ['last'] });
  expect(await clean.probe.poll()).toMatchObject({ kind: 'splitEnd' });
  const broken = await connected();
  const failing = broken.probe.startPoll();
  await broken.runtime.advance(1);
  broken.connections[0]?.send('whole\npart');
  broken.connections[0]?.fail(new Error('ECONNRESET'));
  expect(await broken.probe.settle(failing)).toMatchObject({ values: ['whole'] });
  await expect(broken.probe.poll()).rejects.toThrow(/connection to feed:7000 has failed/);
  expect(broken.probe.warnings).toEqual(['a connection broke within a line: its beginning is dropped']);
});

test('with reconnect it connects again, so many times in a row', async () => {
  const { probe, connections, runtime } = await connected({ reconnect: { attemptsMax: 2, delayMs: 500 } });
  const first = probe.startPoll();
  await runtime.advance(1);
  connections[0]?.send('one\n');
  await probe.settle(first);
  connections[0]?.fail(new Error('ECONNRESET'));
  const second = probe.startPoll();
  await runtime.advance(501);
  connections[1]?.send('two\n');
  expect(await probe.settle(second)).toMatchObject({ values: ['two'], next: 2 });
  runtime.network.unlisten(ADDRESS.port);
  connections[1]?.fail(new Error('ECONNRESET'));
  await expect(probe.poll()).rejects.toThrow(/has failed/);
  expect(probe.counts).toEqual({ 'source.reconnects': 3 });
});

test('a server that is not there is named', async () => {
  const probe = await new SourceProbe(tcpLines({ host: 'nowhere', port: 9 })).open();
  await expect(probe.poll()).rejects.toMatchObject({
    code: 'WEIR_CONNECTOR',
    message: expect.stringContaining('The connection to nowhere:9 has failed.'),
  });
});

test('a line that is too long fails the attempt', async () => {
  const { probe, connections, runtime } = await connected({ lineBytesMax: 8 });
  const failing = probe.startPoll();
  await runtime.advance(1);
  connections[0]?.send('123456789');
  await expect(probe.settle(failing)).rejects.toThrow(/longer than 8 bytes/);
});

test('wrong options are refused at once', () => {
  expect(() => tcpLines({ host: 'x', port: 0 })).toThrow(/port is a number/);
  expect(() => tcpLines({ host: 'x', port: 1, reconnect: { attemptsMax: -1, delayMs: 1 } })).toThrow(
    /attemptsMax/,
  );
});
