// What a file of scenarios copies when it is loaded is simulated too: the command begins the simulation before.

import { expect, test } from 'vitest';
import { inDirectory, jobFile, weir } from '../cli/weir-process.js';

test('a clock that was copied at import is virtual under the command', async () => {
  const { code, out } = await inDirectory((directory) =>
    weir(directory, 'chaos', 'explore', jobFile('../chaos/fixtures/copied-clock.ts'), '--seeds', '5'),
  );
  expect(out).toContain('violations    0');
  expect(code).toBe(0);
});
