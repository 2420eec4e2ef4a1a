// The eight kinds of toxics, under the names that Toxiproxy has made known, and their checks.
//
// Owns:    what a toxic can be told, its defaults and bounds.
// Not:     what it does to bytes (real-toxic-stages.ts), to connections (real-toxic-proxy.ts).
//
// K1. A wrong toxic is refused when it is added, with all that is wrong about it.

import { ConfigError } from '../base/errors.js';

/** From the client to the server behind the proxy, or back. */
export type ToxicDirection = 'upstream' | 'downstream';

export type ToxicKind =
  /** Every chunk is late by `latencyMs`, give or take up to `jitterMs`. Order is kept. */
  | { readonly kind: 'latency'; readonly latencyMs: number; readonly jitterMs?: number }
  /** Connections are refused, and those that are open are closed. Has no direction. */
  | { readonly kind: 'down' }
  /** So many bytes pass in a second. */
  | { readonly kind: 'bandwidth'; readonly bytesPerSecond: number }
  /** The end of a connection is told late. */
  | { readonly kind: 'slow_close'; readonly delayMs: number }
  /** Nothing passes, and what comes is lost. After `timeoutMs` the connection is closed; 0: never. */
  | { readonly kind: 'timeout'; readonly timeoutMs: number }
  /** Nothing passes; after `timeoutMs` both sides see a reset connection. 0, the default: at once. */
  | { readonly kind: 'reset_peer'; readonly timeoutMs?: number }
  /** Bytes pass in slices of `averageBytes`, give or take up to `variationBytes`, with `delayMs` before each (default 0). */
  | {
      readonly kind: 'slicer';
      readonly averageBytes: number;
      readonly variationBytes?: number;
      readonly delayMs?: number;
    }
  /** After so many bytes of one connection, counted from when the toxic was added, the connection is closed. */
  | { readonly kind: 'limit_data'; readonly bytes: number };

export type Toxic = ToxicKind & {
  /** Unique in its proxy. Default: `<kind>_<direction>`. */
  readonly name?: string;
  /** Default `downstream`. */
  readonly direction?: ToxicDirection;
  /** Probability, decided once per connection by the seed, that a connection is hit. Default 1. */
  readonly toxicity?: number;
};

/** As it is kept: nothing left out. */
export interface ActiveToxic {
  readonly name: string;
  readonly direction: ToxicDirection;
  readonly toxicity: number;
  readonly settings: ToxicKind;
}

const LEAST: Readonly<Record<string, number>> = { averageBytes: 1, bytesPerSecond: 1 };
const REQUIRED: Readonly<Record<ToxicKind['kind'], readonly string[]>> = {
  latency: ['latencyMs'],
  down: [],
  bandwidth: ['bytesPerSecond'],
  slow_close: ['delayMs'],
  timeout: ['timeoutMs'],
  reset_peer: [],
  slicer: ['averageBytes'],
  limit_data: ['bytes'],
};

/** Checks a toxic and fills in what was left out. Throws ConfigError. */
export function activeToxic(toxic: Toxic): ActiveToxic {
  const { name, direction = 'downstream', toxicity = 1, ...settings } = toxic;
  const problems = problemsOf(settings, toxicity);
  if (problems.length > 0) {
    throw new ConfigError(`The toxic ${JSON.stringify(toxic)} cannot be: ${problems.join('; ')}.`, {
      remedy: 'Times are milliseconds from 0, sizes are bytes, toxicity lies between 0 and 1.',
    });
  }
  const plain = settings.kind === 'down' ? 'down' : `${settings.kind}_${direction}`;
  return { name: name ?? plain, direction, toxicity, settings };
}

function problemsOf(settings: ToxicKind, toxicity: number): readonly string[] {
  const required = REQUIRED[settings.kind] as readonly string[] | undefined;
  if (required === undefined)
    return [`expected a kind of ${Object.keys(REQUIRED).join(', ')}, got ${settings.kind}`];
  const { kind: _kind, ...numbers } = settings;
  const given = new Map<string, unknown>(Object.entries(numbers));
  const problems = required.filter((name) => !given.has(name)).map((name) => `expected ${name}`);
  for (const [name, value] of given) {
    const least = LEAST[name] ?? 0;
    if (value === undefined || (typeof value === 'number' && Number.isFinite(value) && value >= least))
      continue;
    problems.push(`expected ${name} of ${least} or more, got ${String(value)}`);
  }
  if (!(toxicity >= 0 && toxicity <= 1)) problems.push(`expected a toxicity from 0 to 1, got ${toxicity}`);
  return problems;
}
