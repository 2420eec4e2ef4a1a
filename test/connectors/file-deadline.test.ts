import { expect, test } from 'vitest';
import { fileLines } from '../../src/connectors/file-lines.js';
import { fileSink } from '../../src/connectors/file-sink.js';
import type { FileOperation } from '../../src/testing/virtual-faults.js';
import { type VirtualRuntime, virtualRuntime } from '../../src/testing/virtual-runtime.js';
import { settleOn, sinkContextOn } from './sink-probe.js';
import { SourceProbe } from './source-probe.js';

const DEADLINE_MS = 3_000;

function hangingAt(operation: FileOperation): VirtualRuntime {
  const runtime = virtualRuntime({ seed: 1 });
  runtime.disk.write('in/a.log', 'one\ntwo\n');
  runtime.faults.files = (each) => (each === operation ? 'hang' : null);
  return runtime;
}

test.each(['open', 'stat', 'read'] as const)(
  'a source whose %s never settles fails after its deadline, and says where to look',
  async (operation) => {
    const runtime = hangingAt(operation);
    const probe = new SourceProbe(fileLines('in/a.log', { deadlineMs: DEADLINE_MS }), runtime);
    await probe.open();
    await expect(probe.poll()).rejects.toMatchObject({
      code: 'WEIR_CONNECTOR',
      message: expect.stringContaining(`no answer after ${DEADLINE_MS} ms`),
      remedy: expect.stringContaining('deadlineMs'),
    });
    expect(runtime.nowMs).toBe(DEADLINE_MS);
    await probe.close();
    expect(runtime).toMatchObject({ openFiles: 0, pendingTimers: 0 });
  },
);

test.each(['append', 'sync', 'close', 'syncDirectory'] as const)(
  'a sink whose %s never settles declines the checkpoint, and leaves no file open',
  async (operation) => {
    const runtime = virtualRuntime({ seed: 1 });
    runtime.disk.makeDirectory('out/.weir');
    const sink = fileSink<number>('out', { deadlineMs: DEADLINE_MS });
    const writer = await settleOn(runtime, sink.open(sinkContextOn(runtime)));
    runtime.faults.files = (each) => (each === operation ? 'hang' : null);
    writer.write([1, 2], [0, 0]);
    await expect(settleOn(runtime, writer.prepare(1))).rejects.toThrow(/no answer after/);
    runtime.faults.files = null;
    await settleOn(runtime, writer.close());
    expect(runtime).toMatchObject({ openFiles: 0, pendingTimers: 0 });
  },
);

test('a commit without an answer is unknown, and the next attempt finishes it', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  const sink = fileSink<number>('out', { deadlineMs: DEADLINE_MS });
  const writer = await settleOn(runtime, sink.open(sinkContextOn(runtime)));
  writer.write([1, 2], [0, 0]);
  const prepared = await settleOn(runtime, writer.prepare(1));
  runtime.faults.files = (operation) => (operation === 'rename' ? 'hang' : null);
  expect(await settleOn(runtime, writer.commit(1, prepared))).toMatchObject({ kind: 'unknown' });
  runtime.faults.files = null;
  const next = await settleOn(runtime, sink.open(sinkContextOn(runtime, { attempt: 2 })));
  await settleOn(runtime, next.recover({ commit: prepared, known: prepared }));
  expect(runtime.disk.list('out').filter((name) => name.endsWith('.ndjson'))).toHaveLength(1);
});
