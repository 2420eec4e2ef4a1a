// Reads a source as one subtask would, and keeps what it said.

import { silentLogger } from '../../src/base/logger.js';
import type { Polled, Source, SourceContext, SourceReader, SourceSplit } from '../../src/operators/source.js';
import { type VirtualRuntime, virtualRuntime } from '../../src/testing/virtual-runtime.js';

export class SourceProbe<T, P> {
  readonly runtime: VirtualRuntime;
  readonly warnings: string[] = [];
  readonly counts: Record<string, number> = {};
  readonly values: T[] = [];
  readonly positions: Map<string, P> = new Map();
  readonly ended: Set<string> = new Set();
  private readonly source: Source<T, P>;
  private readonly signal: AbortSignal;
  private reader: SourceReader<T, P> | null = null;

  constructor(
    source: Source<T, P>,
    runtime: VirtualRuntime = virtualRuntime({ seed: 1 }),
    signal: AbortSignal = new AbortController().signal,
  ) {
    this.source = source;
    this.runtime = runtime;
    this.signal = signal;
  }

  /** Opens at the given splits, or at the discovered ones. */
  async open(splits?: readonly SourceSplit<P>[]): Promise<this> {
    const chosen = splits ?? (await this.settle(this.source.discover(this.context(), [])));
    const resolved: SourceSplit<P>[] = [];
    for (const split of chosen)
      resolved.push(await this.settle(this.source.resolve?.(split, this.context()) ?? split));
    for (const { id, position } of resolved) this.positions.set(id, position);
    this.reader = await this.settle(this.source.open(resolved, this.context()));
    return this;
  }

  /** Closes and opens again where the reader stands. */
  async reopen(): Promise<void> {
    await this.close();
    const open = [...this.positions].filter(([id]) => !this.ended.has(id));
    await this.open(open.map(([id, position]) => ({ id, position })));
  }

  async poll(recordsMax = 256): Promise<Polled<T, P>> {
    if (this.reader === null) throw new Error('open the probe first');
    const polled = await this.settle(this.reader.poll(recordsMax));
    if (polled.kind === 'records') {
      this.values.push(...polled.values);
      this.positions.set(polled.split, polled.next);
    }
    if (polled.kind === 'splitEnd') this.ended.add(polled.split);
    return polled;
  }

  /** A poll whose promise the test keeps. */
  startPoll(recordsMax = 256): Promise<Polled<T, P>> {
    return Promise.resolve(this.reader?.poll(recordsMax) ?? { kind: 'nothing', retryMs: 0 });
  }

  /** Reads until there is nothing at the moment; answers what came. */
  async readAvailable(recordsMax = 256): Promise<readonly T[]> {
    const before = this.values.length;
    for (;;) {
      const polled = await this.poll(recordsMax);
      if (polled.kind === 'nothing' || this.ended.size === this.positions.size)
        return this.values.slice(before);
    }
  }

  /** Reads until all splits have ended, letting time pass where the source asks for it. */
  async readAll(recordsMax = 256): Promise<readonly T[]> {
    while (this.ended.size < this.positions.size) {
      const polled = await this.poll(recordsMax);
      if (polled.kind === 'nothing') await this.runtime.advance(polled.retryMs);
    }
    return this.values;
  }

  async close(): Promise<void> {
    await this.settle(this.reader?.close());
  }

  async settle<R>(pending: R | Promise<R>): Promise<R> {
    let settled = false;
    const mark = (): void => {
      settled = true;
    };
    Promise.resolve(pending).then(mark, mark);
    await this.runtime.run(() => settled);
    return await pending;
  }

  private context(): SourceContext {
    return {
      operator: this.source.name,
      subtask: 0,
      parallelism: 1,
      attempt: 1,
      runtime: this.runtime,
      logger: silentLogger,
      signal: this.signal,
      warn: (message) => void this.warnings.push(message),
      count: (metric, delta) => {
        this.counts[metric] = (this.counts[metric] ?? 0) + delta;
      },
    };
  }
}
