// What a journal takes, and what it refuses.

import { expect, test } from 'vitest';
import { Journal, PERSISTENT_ACTOR_TABLES } from '../../actors/kernel/journal.js';
import { virtualRuntime } from '../../src/testing/virtual-runtime.js';

test('an event or a snapshot that would not come back is refused with actor, event and path, and nothing is written', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  const opening = runtime.keyValues.open('actors', {
    tables: PERSISTENT_ACTOR_TABLES,
    commitDeadlineMs: 1_000,
  });
  await runtime.run();
  const environment = await opening;
  const journal = new Journal(environment, 'cart-7', () => false);
  class Line {}
  await expect(journal.append([{ added: 1 }, { lines: [new Line()] }])).rejects.toThrow(
    'Persistent actor "cart-7" cannot store event 2: Expected data, got an instance of Line at value.lines[0]. Register the class,',
  );
  await expect(journal.snapshot({ total: () => 1 })).rejects.toThrow(
    'Persistent actor "cart-7" cannot store its snapshot: Expected data, got a function at value.state.total.',
  );
  expect(journal.eventsSinceSnapshot).toBe(0);
});
