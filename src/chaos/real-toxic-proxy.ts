// A TCP proxy in this process, which makes the network between a client and a server as bad as a test wants.
//
// Owns:    the listener, the list of toxics, which connections each toxic hits.
// Not:     what toxics do to bytes (real-toxic-stages.ts), one connection (real-toxic-connection.ts).
//
// X1. A toxic decides once per connection whether it hits it: by the seed, its name and the number of the connection.
// X2. Time comes from the runtime that was given: with a virtual one, real sockets wait for virtual time.
// X3. After `close` nothing is left: no listener, no socket, no timer.
//
//   const proxy = await toxicProxy({ upstream: { host: '127.0.0.1', port: 5432 } });
//   proxy.add({ kind: 'latency', latencyMs: 100, jitterMs: 20 });
//   ... connect to proxy.host and proxy.port ...
//   await proxy.remove('latency_downstream'); await proxy.close();

import { createServer, type Server, type Socket } from 'node:net';
import { ConfigError } from '../base/errors.js';
import { nodeRuntime } from '../base/node-runtime.js';
import { randomStream } from '../base/random-stream.js';
import type { Clock, Timers } from '../base/runtime.js';
import { ToxicConnection } from './real-toxic-connection.js';
import { type ActiveToxic, activeToxic, type Toxic } from './real-toxic-kinds.js';

export interface ToxicProxyOptions {
  /** The server behind the proxy. */
  readonly upstream: { readonly host: string; readonly port: number };
  /** Where the proxy listens. Default 127.0.0.1. */
  readonly host?: string;
  /** Default 0: any free port. */
  readonly port?: number;
  /** Decides jitter, slices, and which connections a toxicity below 1 hits. Default 1. */
  readonly seed?: number;
  /** Default: real time. */
  readonly runtime?: { readonly clock: Clock; readonly timers: Timers };
}

/** Starts a proxy. Rejects with Node's error when the port is taken. */
export async function toxicProxy(options: ToxicProxyOptions): Promise<ToxicProxy> {
  const proxy = new ToxicProxy(options);
  await proxy.listen();
  return proxy;
}

export class ToxicProxy {
  readonly host: string;
  readonly #options: ToxicProxyOptions;
  readonly #time: { readonly clock: Clock; readonly timers: Timers };
  readonly #toxics = new Map<string, ActiveToxic>();
  readonly #connections = new Map<number, ToxicConnection>();
  #server: Server | null = null;
  #port: number;
  #accepted = 0;
  #lostBytes = 0;
  #state: { readonly kind: 'open' } | { readonly kind: 'closed'; readonly done: () => void } = {
    kind: 'open',
  };

  /** Use `toxicProxy`, which also listens. */
  constructor(options: ToxicProxyOptions) {
    this.host = options.host ?? '127.0.0.1';
    this.#port = options.port ?? 0;
    this.#options = options;
    this.#time = options.runtime ?? nodeRuntime();
  }

  get port(): number {
    return this.#port;
  }

  /** Open connections. */
  get connections(): number {
    return this.#connections.size;
  }

  /** Bytes that have come and not yet gone on: bounded per connection and direction. */
  get heldBytes(): number {
    return [...this.#connections.values()].reduce((sum, connection) => sum + connection.heldBytes, 0);
  }

  /** Bytes that toxics (`timeout`, `limit_data`) have swallowed so far. */
  get lostBytes(): number {
    return this.#lostBytes;
  }

  get toxics(): readonly ActiveToxic[] {
    return [...this.#toxics.values()];
  }

  /** Applies to open connections and to those to come, after the toxics before it. Returns its name. Throws ConfigError. */
  add(toxic: Toxic): string {
    const added = activeToxic(toxic);
    if (this.#toxics.has(added.name)) {
      throw new ConfigError(`The proxy already has a toxic "${added.name}".`, {
        remedy: 'Give the second one a name of its own, or update the first.',
      });
    }
    this.#toxics.set(added.name, added);
    if (added.settings.kind === 'down' && added.toxicity === 1) this.#unlisten();
    for (const [number, connection] of this.#connections) this.#poison(number, connection, added);
    return added.name;
  }

  /**
   * New numbers for a toxic, of the same kind and direction. What it holds keeps its time; a connection that it has
   * spared stays spared; timers of `timeout` and `reset_peer` start anew. Throws ConfigError.
   */
  update(name: string, toxic: Toxic): void {
    const before = this.#known(name);
    const after = activeToxic({ direction: before.direction, ...toxic, name });
    if (after.settings.kind !== before.settings.kind || after.direction !== before.direction) {
      throw new ConfigError(
        `The toxic "${name}" is a ${before.settings.kind} ${before.direction}, got a ${after.settings.kind} ${after.direction}.`,
        { remedy: 'Remove it and add another one.' },
      );
    }
    this.#toxics.set(name, after);
    for (const connection of this.#connections.values()) {
      connection.link(after.direction).update(name, after.settings);
    }
  }

  /** What it held goes on its way. Resolves at once, but for `down`: when the proxy listens again. Throws ConfigError. */
  async remove(name: string): Promise<void> {
    const { direction } = this.#known(name);
    this.#toxics.delete(name);
    for (const connection of this.#connections.values()) connection.link(direction).remove(name);
    const down = this.toxics.some(({ settings, toxicity }) => settings.kind === 'down' && toxicity === 1);
    if (!down && this.#server === null && this.#state.kind === 'open') await this.listen();
  }

  /** Removes all toxics. */
  async reset(): Promise<void> {
    for (const name of [...this.#toxics.keys()]) await this.remove(name);
  }

  /** Closes the listener and all connections; resolves when they are closed. */
  async close(): Promise<void> {
    this.#unlisten();
    await new Promise<void>((resolve) => {
      this.#state = { kind: 'closed', done: resolve };
      if (this.#connections.size === 0) resolve();
      for (const connection of this.#connections.values()) connection.breakOff('close');
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Done by `toxicProxy`. */
  async listen(): Promise<void> {
    // Clients that end their direction still want to hear the answer.
    const server = createServer({ allowHalfOpen: true }, (client) => this.#accept(client));
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#port, this.host, () => {
        server.removeListener('error', reject);
        resolve();
      });
    });
    const address = server.address();
    if (address !== null && typeof address === 'object') this.#port = address.port;
  }

  // Closing a listener refuses newcomers at once; the connections that it has accepted are ours.
  #unlisten(): void {
    this.#server?.close();
    this.#server = null;
  }

  #accept(client: Socket): void {
    this.#accepted += 1;
    const number = this.#accepted;
    const connection = new ToxicConnection({
      client,
      upstream: this.#options.upstream,
      time: this.#time,
      onLost: (bytes) => {
        this.#lostBytes += bytes;
      },
      onClosed: () => {
        this.#connections.delete(number);
        if (this.#connections.size === 0 && this.#state.kind === 'closed') this.#state.done();
      },
    });
    this.#connections.set(number, connection);
    for (const toxic of this.#toxics.values()) this.#poison(number, connection, toxic);
  }

  #poison(
    number: number,
    connection: ToxicConnection,
    { name, direction, toxicity, settings }: ActiveToxic,
  ): void {
    const random = randomStream(this.#options.seed ?? 1, `${name}/${number}`);
    if (random.next() >= toxicity) return;
    if (settings.kind === 'down') connection.breakOff('close');
    else connection.link(direction).add(name, settings, random);
  }

  #known(name: string): ActiveToxic {
    const toxic = this.#toxics.get(name);
    if (toxic !== undefined) return toxic;
    const names = [...this.#toxics.keys()].join(', ') || 'none';
    throw new ConfigError(`The proxy has no toxic "${name}"; it has: ${names}.`, {
      remedy: 'Use the name that `add` has returned.',
    });
  }
}
