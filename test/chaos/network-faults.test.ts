// A simulated connection breaks or is late as the plan says, and keeps the order of its bytes.

import { expect, test } from 'vitest';
import { Arsenal } from '../../src/chaos/arsenal.js';
import { faultySockets } from '../../src/chaos/network-faults.js';
import type { PlannedFault } from '../../src/chaos/plan.js';
import { virtualRuntime } from '../../src/testing/virtual-runtime.js';

async function received(faults: readonly PlannedFault[], lines: readonly string[]): Promise<string[]> {
  const runtime = virtualRuntime({ seed: 1 });
  const arsenal = new Arsenal({
    plan: { version: 1, faults },
    seed: 1,
    nowMs: () => runtime.nowMs,
    step: () => runtime.steps,
    predicate: () => false,
    onFired: () => undefined,
  });
  runtime.network.listen(7, (connection) => {
    for (const line of lines) connection.send(line);
    connection.end();
  });
  const log: string[] = [];
  const sockets = faultySockets(runtime.sockets, arsenal, runtime.timers);
  void sockets.connect(
    { host: 'there', port: 7 },
    {
      onData: (bytes) => log.push(`${runtime.nowMs}: ${Buffer.from(bytes).toString()}`),
      onEnd: (error) => log.push(`${runtime.nowMs}: ${error === null ? 'end' : error.message}`),
    },
  );
  await runtime.run();
  return log;
}

const delay: PlannedFault = {
  kind: 'network.delay',
  target: '7',
  trigger: { kind: 'nth', n: 2 },
  parameters: { ms: 50 },
};

test('bytes that are late hold back what follows, and the end', async () => {
  expect(await received([delay], ['a', 'b', 'c'])).toEqual(['0: a', '50: b', '50: c', '50: end']);
});

test('a connection that breaks hands over nothing more, and says so once', async () => {
  const reset: PlannedFault = { kind: 'network.reset', target: '*', trigger: { kind: 'nth', n: 2 } };
  expect(await received([reset], ['a', 'b', 'c'])).toEqual(['0: a', '0: read ECONNRESET there:7']);
});

test('what is late when the connection breaks is lost', async () => {
  const reset: PlannedFault = { kind: 'network.reset', target: '7', trigger: { kind: 'nth', n: 3 } };
  expect(await received([delay, reset], ['a', 'b', 'c'])).toEqual(['0: a', '0: read ECONNRESET there:7']);
});

test('connections to another port are left alone', async () => {
  expect(await received([{ ...delay, target: '8' }], ['a', 'b'])).toEqual(['0: a', '0: b', '0: end']);
});
