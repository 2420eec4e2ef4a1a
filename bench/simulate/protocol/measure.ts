// `npx tsx bench/simulate/protocol/measure.ts [seeds] [from]`: how many seeds a minute one core runs, and what is in them.

import { PROTOCOL_STEPS } from '../../../src/task/effect.js';
import { PROTOCOL_FAULTS } from './protocol-plan.js';
import { protocolRun } from './protocol-run.js';

const seeds = Number(process.argv[2] ?? 2_000);
const from = Number(process.argv[3] ?? 1);
const totals = { steps: 0, checkpoints: 0, restores: 0, refused: 0, shadows: 0 };
const faults = new Map<string, number>();
const crashes = new Map<string, number>();
let bad = 0;

const startedMs = performance.now();
const cpu = process.cpuUsage();
for (let seed = from; seed < from + seeds; seed += 1) {
  const { violations, counts } = protocolRun(seed);
  for (const key of Object.keys(totals) as (keyof typeof totals)[]) totals[key] += counts[key];
  for (const [kind, times] of Object.entries(counts.faults)) add(faults, kind, times);
  for (const [step, times] of Object.entries(counts.crashes)) add(crashes, step, times);
  const [first] = violations;
  if (first === undefined) continue;
  bad += 1;
  if (bad <= 10) console.log(`seed ${seed}: ${first.oracle} ${first.check}: ${first.message}`);
}
const tookMs = performance.now() - startedMs;

const cpuMs = process.cpuUsage(cpu).user / 1_000;
const perSeed = (number: number): string => (number / seeds).toFixed(1);
console.log(
  `${seeds} seeds in ${(tookMs / 1_000).toFixed(1)} s: ${Math.round((seeds / tookMs) * 60_000)} a minute, ${Math.round((seeds / cpuMs) * 60_000)} a minute of processor time; ${bad} with violations`,
);
console.log(
  `per seed: ${perSeed(totals.steps)} steps, ${perSeed(totals.checkpoints)} checkpoints, ${perSeed(totals.restores)} starts and restores`,
);
console.log(`restored alone: ${totals.shadows} checkpoints; refused as stale: ${totals.refused}`);
for (const [kind, number] of Object.entries(PROTOCOL_FAULTS))
  console.log(`  ${number} ${kind}: ${faults.get(kind) ?? 0}`);
console.log(
  `deaths by step: ${PROTOCOL_STEPS.map((step) => `${step} ${crashes.get(step) ?? 0}`).join(', ')}`,
);

function add(to: Map<string, number>, key: string, times: number | undefined): void {
  to.set(key, (to.get(key) ?? 0) + (times ?? 0));
}
