// Opens and drives sinks by hand on a virtual runtime.

import { silentLogger } from '../../src/base/logger.js';
import type { SinkContext } from '../../src/operators/sink.js';
import type { VirtualRuntime } from '../../src/testing/virtual-runtime.js';

export function sinkContextOn(runtime: VirtualRuntime, place: Partial<SinkContext> = {}): SinkContext {
  return {
    operator: 'sink',
    uid: 'hits',
    job: 'job',
    subtask: 0,
    parallelism: 1,
    attempt: 1,
    checkpointing: true,
    runtime,
    logger: silentLogger,
    signal: new AbortController().signal,
    count: () => undefined,
    ...place,
  };
}

export async function settleOn<R>(runtime: VirtualRuntime, pending: R | Promise<R>): Promise<R> {
  let settled = false;
  const mark = (): void => {
    settled = true;
  };
  Promise.resolve(pending).then(mark, mark);
  await runtime.run(() => settled);
  return await pending;
}
