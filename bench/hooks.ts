// What the doors for fault injection cost when nobody stands in them: the engine as it is against the same engine without them.
//
// The baseline is a copy of the sources from which the doors are cut out: protocol steps, the interceptor, the ref that could
// be another one. Both run the engine bench, in turns, each time in a process of its own; the figure is the ratio.
//
//   npm run bench -- hooks [--json] [--records n] [--rounds n]
//
// Not measured: a door with somebody in it; that is a simulation, and its speed is what `npm run simulate` prints.

import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { plant } from './mutants/plant.js';

interface Cut {
  readonly file: string;
  readonly find: RegExp;
  readonly replace: string;
}

const CUTS: readonly Cut[] = [
  {
    file: 'actors/subtask-actor.ts',
    find: /this\.context\.runtime\.points\?\.hit\([^;]*;/,
    replace: 'void [step, fields, this.wiring];',
  },
  {
    file: 'actors/coordinator-actor.ts',
    find: /this\.context\.runtime\.points\?\.hit\([^;]*;/,
    replace: 'void [step, checkpoint];',
  },
  {
    file: 'actors/store-actor.ts',
    find: /this\.context\.runtime\.points\?\.hit\([^;]*;/,
    replace: 'void [step, fields];',
  },
  {
    file: 'actors/opening.ts',
    find: /context\.runtime\.points\?\.hit\([^;]*;/,
    replace: 'void [context, step];',
  },
  {
    file: 'actors/kernel/spawning.ts',
    find: /kernel\.interceptor\?\.spawning\(path, asked\) \?\? asked/,
    replace: 'asked',
  },
  {
    file: 'actors/kernel/system.ts',
    find: /this\.interceptor === null\s*\?\s*new LocalRef\(receiver\)\s*:\s*new InterceptedRef\(receiver, this\.interceptor\)/,
    replace: 'new LocalRef(receiver)',
  },
  { file: 'src/task/source-machine.ts', find: /this\.effects\.push\(\{ kind: 'point'[^;]*;/g, replace: '' },
  { file: 'src/task/task-machine.ts', find: /this\.effects\.push\(\{ kind: 'point'[^;]*;/g, replace: '' },
  { file: 'src/task/sink-machine.ts', find: /this\.effects\.push\(\{ kind: 'point'[^;]*;/g, replace: '' },
];

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    records: { type: 'string', default: '4000000' },
    rounds: { type: 'string', default: '7' },
  },
});

const withDoors = plant(null);
const without = plant(null);
try {
  for (const { file, find, replace } of CUTS) {
    const path = join(without.directory, file);
    const text = readFileSync(path, 'utf8');
    const cut = text.replace(find, replace);
    if (cut === text) throw new Error(`${file} has changed: ${find} is not in it any more`);
    writeFileSync(path, cut);
  }
  const figures = { withDoors: [] as number[], without: [] as number[] };
  for (let round = 0; round < Number(values.rounds); round += 1) {
    // The order changes with every round, so that what warms the machine helps both.
    const order = round % 2 === 0 ? (['withDoors', 'without'] as const) : (['without', 'withDoors'] as const);
    for (const which of order) {
      figures[which].push(engineRate(which === 'withDoors' ? withDoors.directory : without.directory));
    }
  }
  const rates = { withDoors: median(figures.withDoors), without: median(figures.without) };
  const overhead = rates.without / rates.withDoors - 1;
  if (values.json) console.log(JSON.stringify({ bench: 'hooks', ...rates, overhead, rounds: figures }));
  else {
    console.log(
      `  with doors    ${rates.withDoors.toFixed(2)} M records/s (${figures.withDoors.map((rate) => rate.toFixed(2)).join(' ')})`,
    );
    console.log(
      `  without       ${rates.without.toFixed(2)} M records/s (${figures.without.map((rate) => rate.toFixed(2)).join(' ')})`,
    );
    console.log(`  overhead      ${(overhead * 100).toFixed(2)} % (median of ${values.rounds})`);
  }
} finally {
  withDoors.remove();
  without.remove();
}

function engineRate(directory: string): number {
  const node = [
    '--conditions=weir-source',
    '--import',
    'tsx',
    'bench/engine.ts',
    '--json',
    '--rounds',
    '3',
    '--records',
    values.records,
  ];
  const { stdout, stderr, status } = spawnSync(process.execPath, node, { cwd: directory, encoding: 'utf8' });
  if (status !== 0) throw new Error(`the engine bench failed in ${directory}: ${stderr}`);
  const answer = JSON.parse(stdout) as { readonly engineMrecPerS: number };
  return answer.engineMrecPerS;
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
