import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

test('hosts that forbid generated code get the same results', () => {
  const script = fileURLToPath(new URL('./no-generated-code.ts', import.meta.url));
  const flags = ['--disallow-code-generation-from-strings', '--import', 'tsx'];
  expect(execFileSync(process.execPath, [...flags, script], { encoding: 'utf8' })).toContain('same results');
});
