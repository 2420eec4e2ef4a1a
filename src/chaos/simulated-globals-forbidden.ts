// What a simulated step must not do: real files, real network, other threads and processes, the garbage collector.
//
// Owns:    the list of forbidden functions and classes, each with what to do instead.
// Not:     the words of a leak (leaks.ts), who is to blame (simulated-globals-caller.ts).
//
// F1. A forbidden call in a step is reported to the surroundings and then throws, so that code which catches the error hides nothing.
// F2. Loading a module is allowed.
// F3. A function of a forbidden module that Node adds tomorrow is forbidden too: modules are walked, not listed.

import childProcess from 'node:child_process';
import cluster from 'node:cluster';
import crypto from 'node:crypto';
import dgram from 'node:dgram';
import dns from 'node:dns';
import fs from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import net from 'node:net';
import os from 'node:os';
import tls from 'node:tls';
import v8 from 'node:v8';
import workerThreads from 'node:worker_threads';
import zlib from 'node:zlib';
import { forbiddenCall, LeakError } from './leaks.js';
import { callerOf } from './simulated-globals-caller.js';
import { type Callable, isCallable, type PatchSet, propertyOf } from './simulated-globals-patches.js';
import type { SimulatedSurroundings } from './simulated-globals-surroundings.js';

const FILES =
  'Take `files` of the runtime that the app was given, or wrap the effect behind a port that the test can fake.';
const NETWORK =
  'Take `sockets` of the runtime that the app was given, or wrap the client behind a port that the test can fake.';
const PROCESSES =
  'Wrap the other process or thread behind a port that the test can fake; test the real one in mode `processes`.';
const CHANNELS =
  'Its messages travel through the real event loop; send them to an actor, or hand them over with queueMicrotask.';
const COLLECTOR =
  'When garbage is collected is not repeatable: hold the object, or wrap the cache behind a port that the test can fake.';
const MEASURES =
  'Figures of the real machine differ from run to run: take them outside of the simulated app, or wrap them behind a port.';
const BLOCKING = 'A simulated run has one thread, which nobody else can wake: use an actor, or a promise.';
const POOL =
  'It is computed by real threads: use the synchronous form, or wrap it behind a port that the test can fake.';
const KEYS =
  'Keys are drawn from the real source of randomness: give the app a fixed key, or wrap the making of keys behind a port.';

type Entry = readonly [owner: object, prefix: string, names: readonly string[], remedy: string];

const ASYNC_CRYPTO = ['scrypt', 'pbkdf2', 'hkdf', 'checkPrime'];
const KEY_MAKERS = [
  'generateKey',
  'generateKeySync',
  'generateKeyPair',
  'generateKeyPairSync',
  'generatePrime',
  'generatePrimeSync',
];

export function patchForbidden(set: PatchSet): void {
  for (const [owner, prefix, names, remedy] of forbiddenFunctions()) {
    for (const name of names) forbidFunction(set, owner, name, `${prefix}${name}`, remedy);
  }
  for (const [owner, prefix, names, remedy] of forbiddenClasses()) {
    for (const name of names) forbidClass(set, owner, name, `new ${prefix}${name}()`, remedy);
  }
}

function forbiddenFunctions(): readonly Entry[] {
  return [
    [fs, 'fs.', functionNames(fs), FILES],
    [fs.promises, 'fs.promises.', functionNames(fs.promises), FILES],
    [net.Socket.prototype, 'net.Socket.', ['connect'], NETWORK],
    [net.Server.prototype, 'net.Server.', ['listen'], NETWORK],
    [net, 'net.', ['connect', 'createConnection'], NETWORK],
    [tls, 'tls.', ['connect'], NETWORK],
    [http, 'http.', ['request', 'get'], NETWORK],
    [https, 'https.', ['request', 'get'], NETWORK],
    [http2, 'http2.', ['connect'], NETWORK],
    [dgram, 'dgram.', ['createSocket'], NETWORK],
    [dgram.Socket.prototype, 'dgram.Socket.', ['bind', 'connect', 'send'], NETWORK],
    [dns, 'dns.', queryNames(dns), NETWORK],
    [dns.promises, 'dns.promises.', queryNames(dns.promises), NETWORK],
    [globalThis, '', ['fetch'], NETWORK],
    [childProcess, 'child_process.', functionNames(childProcess), PROCESSES],
    [cluster, 'cluster.', ['fork'], PROCESSES],
    [Atomics, 'Atomics.', ['wait', 'waitAsync'], BLOCKING],
    [process, 'process.', ['memoryUsage', 'resourceUsage', 'cpuUsage', 'availableMemory'], MEASURES],
    [performance, 'performance.', ['eventLoopUtilization'], MEASURES],
    [os, 'os.', ['freemem', 'loadavg', 'uptime'], MEASURES],
    [v8, 'v8.', ['getHeapStatistics', 'getHeapSpaceStatistics', 'writeHeapSnapshot'], MEASURES],
    [crypto, 'crypto.', ASYNC_CRYPTO, POOL],
    [crypto, 'crypto.', KEY_MAKERS, KEYS],
    [globalThis.crypto.subtle, 'crypto.subtle.', subtleNames(), POOL],
    [zlib, 'zlib.', poolNames(), POOL],
  ];
}

function forbiddenClasses(): readonly Entry[] {
  return [
    [globalThis, '', ['WeakRef', 'FinalizationRegistry'], COLLECTOR],
    [globalThis, '', ['WebSocket', 'EventSource'], NETWORK],
    [globalThis, '', ['MessageChannel', 'BroadcastChannel'], CHANNELS],
    [workerThreads, 'worker_threads.', ['Worker'], PROCESSES],
    [workerThreads, 'worker_threads.', ['MessageChannel', 'BroadcastChannel'], CHANNELS],
    [dns, 'dns.', ['Resolver'], NETWORK],
    [dns.promises, 'dns.promises.', ['Resolver'], NETWORK],
  ];
}

// Classes begin with a capital letter; what begins with an underscore is of Node itself.
function functionNames(module: object): readonly string[] {
  return Object.keys(module).filter(
    (name) => /^[a-z]/.test(name) && isCallable(propertyOf(module, name)?.value),
  );
}

// Settings of the resolver ask nobody.
function queryNames(module: object): readonly string[] {
  return functionNames(module).filter((name) => !/^[gs]et/.test(name));
}

function subtleNames(): readonly string[] {
  const prototype: object = Object.getPrototypeOf(globalThis.crypto.subtle) as object;
  return Object.getOwnPropertyNames(prototype).filter(
    (name) => name !== 'constructor' && name !== 'supports' && isCallable(propertyOf(prototype, name)?.value),
  );
}

// Every function that has a synchronous twin works in a thread of the pool itself.
function poolNames(): readonly string[] {
  return Object.keys(zlib).filter((name) => `${name}Sync` in zlib);
}

function forbidFunction(set: PatchSet, owner: object, name: string, what: string, remedy: string): void {
  const original: unknown = propertyOf(owner, name)?.value;
  if (isCallable(original)) set.value(owner, name, forbidden(set, original, what, remedy));
}

function forbidden(set: PatchSet, original: Callable, what: string, remedy: string): Callable {
  const own = Object.getOwnPropertyDescriptors(original) as Record<PropertyKey, PropertyDescriptor>;
  for (const key of Reflect.ownKeys(own)) {
    const value: unknown = own[key]?.value;
    // `realpath.native`, `memoryUsage.rss`, and what util.promisify answers instead of the function.
    if (key !== 'prototype' && isCallable(value)) {
      const part = typeof key === 'string' ? `${what}.${key}` : `${what} as a promise`;
      own[key] = { ...own[key], value: guardedFunction(set, value, part, remedy) };
    }
  }
  return Object.defineProperties(guardedFunction(set, original, what, remedy), own);
}

function guardedFunction(set: PatchSet, original: Callable, what: string, remedy: string): Callable {
  return function guard(this: unknown, ...args: unknown[]): unknown {
    const surroundings = set.current();
    if (surroundings !== null) forbid(surroundings, what, remedy, guard);
    return Reflect.apply(original, this, args as never[]);
  };
}

// A class stays what it is for `instanceof` and for those who only look at it.
function forbidClass(set: PatchSet, owner: object, name: string, what: string, remedy: string): void {
  const descriptor = propertyOf(owner, name);
  if (descriptor === undefined) return;
  if (descriptor.get === undefined) {
    if (isCallable(descriptor.value))
      set.value(owner, name, guardedClass(set, descriptor.value, what, remedy));
    return;
  }
  // Node loads some classes when they are first looked at, so they are looked at only when the user does.
  let made: { readonly of: unknown; readonly guarded: unknown } | null = null;
  set.getter(owner, name, (_surroundings, original) => {
    if (!isCallable(original)) return original;
    if (made?.of !== original) made = { of: original, guarded: guardedClass(set, original, what, remedy) };
    return made.guarded;
  });
}

function guardedClass(set: PatchSet, original: Callable, what: string, remedy: string): unknown {
  return new Proxy(original, {
    construct: function construct(target, args, newTarget): object {
      const surroundings = set.current();
      if (surroundings !== null) forbid(surroundings, what, remedy, construct);
      return Reflect.construct(target, args, newTarget) as object;
    },
  });
}

function forbid(
  surroundings: SimulatedSurroundings,
  what: string,
  remedy: string,
  boundary: (...args: never[]) => unknown,
): void {
  const caller = callerOf(boundary);
  if (caller.kind === 'machinery') return;
  const leak = forbiddenCall(what, caller.where, remedy);
  surroundings.leaked(leak);
  const error = new LeakError(leak);
  Error.captureStackTrace(error, boundary);
  throw error;
}

/** What keeps the real process awake now, by Node's names: the census of LeakWatch. */
export function activeResources(): readonly string[] {
  return process.getActiveResourcesInfo();
}
