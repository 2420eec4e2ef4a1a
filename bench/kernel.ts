// Actor kernel against plain nact: messages per second to one actor, at 1 and at 256 records a message.
//
//   node --conditions=weir-source --import tsx bench/kernel.ts [--json]
//
// Owns:    the measurement, both sides in one run, alternating, best and median of the rounds.
// Not:     channels, codecs, anything of streams.
//
// What is compared: nact's dispatch (unbounded mailbox, one macrotask per message) with offer (bounded, the sender
// waits for room). The handlers do the same: add up the records of a message.

import { performance } from 'node:perf_hooks';
import { dispatch, spawn, start, stop } from 'nact';
import { actorSystem } from '../actors/index.js';

const ROUNDS = 5;
const NACT_MESSAGES = 200_000;
const KERNEL_MESSAGES = { 1: 10_000_000, 256: 1_000_000 } as const;
const PING_PONG_MESSAGES = 100_000;

interface Figure {
  readonly records: 1 | 256;
  readonly nactPerSecond: number;
  readonly kernelPerSecond: number;
  readonly ratio: number;
  readonly spread: string;
}

function sum(records: Float64Array): number {
  let total = 0;
  for (let i = 0; i < records.length; i += 1) total += records[i] ?? 0;
  return total;
}

async function nactRate(records: Float64Array, messages: number): Promise<number> {
  const system = start();
  let left = messages;
  let total = 0;
  let finish: () => void = () => undefined;
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const ref = spawn(system, (_state: undefined, message: Float64Array) => {
    total += sum(message);
    left -= 1;
    if (left === 0) finish();
    return undefined;
  });
  const beganMs = performance.now();
  for (let n = 0; n < messages; n += 1) dispatch(ref, records);
  await finished;
  const tookMs = performance.now() - beganMs;
  stop(system);
  return rate(messages, tookMs, total);
}

async function kernelRate(records: Float64Array, messages: number): Promise<number> {
  const system = actorSystem();
  let left = messages;
  let total = 0;
  let finish: () => void = () => undefined;
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const ref = await system.spawnStarted<Float64Array>(() => ({
    onMessage(message) {
      total += sum(message);
      left -= 1;
      if (left === 0) finish();
    },
  }));
  const beganMs = performance.now();
  for (let n = 0; n < messages; n += 1) {
    if (!ref.offer(records)) await ref.send(records);
  }
  await finished;
  const tookMs = performance.now() - beganMs;
  await system.shutdown();
  return rate(messages, tookMs, total);
}

/** Two actors, one message between them: nothing to gather into a turn, so the host's wake is what is measured. */
async function pingPongRate(messages: number): Promise<{ readonly nact: number; readonly kernel: number }> {
  const nact = await new Promise<number>((resolve) => {
    const system = start();
    let left = messages;
    const beganMs = performance.now();
    const back = spawn(system, () => dispatch(forth, 'ping'));
    const forth = spawn(system, () => {
      left -= 1;
      if (left > 0) return dispatch(back, 'pong');
      stop(system);
      resolve((messages * 2 * 1000) / (performance.now() - beganMs));
    });
    dispatch(forth, 'ping');
  });
  const system = actorSystem();
  const kernel = await new Promise<number>((resolve) => {
    let left = messages;
    const beganMs = performance.now();
    const back = system.spawn<string>(() => ({ onMessage: () => void forth.offer('ping') }));
    const forth = system.spawn<string>(() => ({
      onMessage() {
        left -= 1;
        if (left > 0) back.offer('pong');
        else resolve((messages * 2 * 1000) / (performance.now() - beganMs));
      },
    }));
    forth.offer('ping');
  });
  await system.shutdown();
  return { nact, kernel };
}

function rate(messages: number, tookMs: number, total: number): number {
  if (!(total > 0)) throw new Error('the handlers did no work');
  return (messages * 1000) / tookMs;
}

async function measure(records: 1 | 256): Promise<Figure> {
  const message = new Float64Array(records).fill(1);
  const nact: number[] = [];
  const kernel: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    nact.push(await nactRate(message, NACT_MESSAGES));
    kernel.push(await kernelRate(message, KERNEL_MESSAGES[records]));
  }
  const [nactPerSecond, kernelPerSecond] = [median(nact), median(kernel)];
  const low = Math.min(...kernel) / kernelPerSecond - 1;
  const high = Math.max(...kernel) / kernelPerSecond - 1;
  const spread = `${percent(low)} .. ${percent(high)}`;
  return { records, nactPerSecond, kernelPerSecond, ratio: kernelPerSecond / nactPerSecond, spread };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

function percent(fraction: number): string {
  return `${fraction < 0 ? '' : '+'}${Math.round(fraction * 100)} %`;
}

function millions(perSecond: number): string {
  return `${(perSecond / 1e6).toFixed(2)} M`;
}

const figures = [await measure(1), await measure(256)];
const pingPong = await pingPongRate(PING_PONG_MESSAGES);

if (process.argv.includes('--json')) {
  process.stdout.write(`${JSON.stringify({ figures, pingPong, node: process.version, rounds: ROUNDS })}\n`);
} else {
  process.stdout.write(
    `actor kernel against plain nact, messages/s to one actor, median of ${ROUNDS}, Node ${process.version}\n`,
  );
  for (const { records, nactPerSecond, kernelPerSecond, ratio, spread } of figures) {
    const left = `${String(records).padStart(4)} records a message`;
    process.stdout.write(
      `${left}: nact ${millions(nactPerSecond)}, kernel ${millions(kernelPerSecond)} (${spread}), ratio ${ratio.toFixed(1)}\n`,
    );
  }
  process.stdout.write(
    `ping-pong of two actors: nact ${millions(pingPong.nact)}, kernel ${millions(pingPong.kernel)} messages/s\n`,
  );
}
