// Runs the benches, each in a process of its own, so that none inherits the types and the heap of another.
//
//   npm run bench                          all of them
//   npm run bench -- engine kernel         some
//   npm run bench -- engine --json         options go to every bench that is named
//
// Each prints a ratio against a baseline measured in the same run; absolute figures say more about the machine.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const BENCHES: readonly string[] = ['engine', 'kernel', 'fuse', 'window', 'state', 'hooks'];

const given = process.argv.slice(2);
const names = given.filter((argument) => BENCHES.includes(argument));
const options = given.filter((argument) => !BENCHES.includes(argument));
const unknown = options.filter((argument) => !argument.startsWith('--') && !/^\d+$/.test(argument));
if (unknown.length > 0) {
  console.error(`There is no bench "${unknown.join('", "')}". There are: ${BENCHES.join(', ')}.`);
  process.exit(2);
}

let failed = 0;
for (const name of names.length > 0 ? names : BENCHES) {
  if (!options.includes('--json')) console.log(`\n${name} (node ${process.version})`);
  const file = fileURLToPath(new URL(`${name}.ts`, import.meta.url));
  const node = ['--conditions=weir-source', '--import', 'tsx', file, ...options];
  const { status } = spawnSync(process.execPath, node, { stdio: 'inherit' });
  if (status !== 0) failed += 1;
}
process.exitCode = failed === 0 ? 0 : 1;
