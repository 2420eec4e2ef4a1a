// What a campaign has shown, for a person.
//
// Owns:    the tables. Everything that was not exercised is named.

import { FAULT_KINDS } from '../../src/chaos/fault-kinds.js';
import { PROTOCOL_STEPS } from '../../src/task/effect.js';
import type { CampaignSums } from './campaign.js';

export interface PartReport {
  readonly sums: CampaignSums;
  readonly elapsedMs: number;
  readonly seedsPerMinute: number;
}

export function reportLines(
  part: string,
  { sums, elapsedMs, seedsPerMinute }: PartReport,
): readonly string[] {
  const lines = [
    '',
    `${part}: ${sums.seeds.toLocaleString('en')} seeds in ${(elapsedMs / 1_000).toFixed(0)} s, ${Math.round(seedsPerMinute).toLocaleString('en')} a minute, ${sums.failures.length} failures`,
    `  steps ${sums.steps.toLocaleString('en')}, virtual time ${(sums.virtualMs / 3_600_000).toFixed(1)} h, results checked ${sums.checked.toLocaleString('en')}`,
  ];
  if (part === 'engine') {
    lines.push(
      `  checkpoints ${sums.checkpoints.toLocaleString('en')}, restores ${sums.restores.toLocaleString('en')}, attempts ${sums.attempts.toLocaleString('en')}, runs made twice ${sums.doubleRuns}, runs without a result ${sums.unchecked}`,
      ...crashLines(sums.stepsReached, sums.stepsCrashed),
      `  shapes: ${pairs(sums.perShape)}`,
    );
  }
  lines.push('  faults fired:', ...faultLines(part, sums.faults));
  for (const failure of sums.failures.slice(0, FAILURES_SHOWN)) {
    lines.push(`  FAILED ${failure.shape} seed ${failure.seed}: ${failure.check}: ${failure.message}`);
    if (failure.token !== null) lines.push(`    npm run simulate -- --replay ${failure.token}`);
  }
  return lines;
}

const FAILURES_SHOWN = 10;
const COLUMNS = 3;

function faultLines(part: string, faults: Readonly<Record<string, number>>): string[] {
  const cells = Object.entries(faults)
    .sort(([, a], [, b]) => b - a)
    .map(([kind, times]) => `${numberOf(kind)}${kind} ${times.toLocaleString('en')}`);
  const rows: string[] = [];
  for (let at = 0; at < cells.length; at += COLUMNS) {
    rows.push(
      `    ${cells
        .slice(at, at + COLUMNS)
        .map((cell) => cell.padEnd(36))
        .join('')}`.trimEnd(),
    );
  }
  if (part !== 'engine') return rows;
  const never = [...FAULT_KINDS].filter(
    ([kind, { apps, modes }]) =>
      apps !== 'actors' && modes.includes('simulation') && (faults[kind] ?? 0) === 0,
  );
  if (never.length > 0) rows.push(`    never: ${never.map(([kind]) => kind).join(', ')}`);
  return rows;
}

function numberOf(kind: string): string {
  for (const [name, { number }] of FAULT_KINDS) if (name === kind) return `${number} `;
  return '';
}

function crashLines(
  reached: Readonly<Record<string, number>>,
  crashed: Readonly<Record<string, number>>,
): string[] {
  const roles = ['source', 'operator', 'sink', 'coordinator', 'store', 'job', 'process', 'power'];
  const missing: string[] = [];
  for (const role of roles) {
    for (const step of PROTOCOL_STEPS) {
      if ((crashed[`${role} ${step}`] ?? 0) === 0) missing.push(`${role} ${step}`);
    }
  }
  const all = roles.length * PROTOCOL_STEPS.length;
  const steps = PROTOCOL_STEPS.filter((step) => Object.keys(reached).some((key) => key.endsWith(` ${step}`)));
  return [
    `  crash points: ${all - missing.length} of ${all} (role x step), steps reached ${steps.length} of ${PROTOCOL_STEPS.length}${missing.length === 0 || missing.length > 20 ? '' : `; not: ${missing.join(', ')}`}`,
  ];
}

function pairs(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');
}
