// Files that hold every record exactly once, although their writer is killed again and again.
//
//   npx tsx examples/exactly-once-files.ts

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { csv, defineJob, fileSink, generator, type JobDefinition, run } from 'weirjs';
import { kill } from './fault.js';

export const PAYMENTS = 4_000;
const KILLS = 3;

interface Payment {
  readonly id: number;
  readonly cents: number;
}

export function payments(directory: string): JobDefinition {
  const source = generator({
    count: PAYMENTS,
    ratePerSecond: 2_000,
    seed: 'payments',
    make: (id, random): Payment => ({ id, cents: Math.floor(random.next() * 10_000) }),
  });
  // A file appears in the directory when the checkpoint that covers it is complete; until then it lies in `.weir` inside.
  const files = fileSink<Payment>(directory, { format: csv({ columns: ['id', 'cents'], header: false }) });
  return defineJob('payments', (env) => {
    env.from(source, { uid: 'payments' }).sinkTo(files, { uid: 'ledger', name: 'ledger' });
  });
}

/** What the files say, to be held against what was generated. */
export function audit(csvTexts: readonly string[]): string {
  const lines = csvTexts.flatMap((text) => text.trimEnd().split('\r\n'));
  const ids = new Set(lines.map((line) => Number(line.split(',')[0])));
  return `${lines.length} lines, ${PAYMENTS - ids.size} lost, ${lines.length - ids.size} duplicated`;
}

if (import.meta.filename === process.argv[1]) {
  const dir = mkdtempSync(join(tmpdir(), 'weir-files-'));
  const ledger = join(dir, 'ledger');
  const handle = await run(payments(ledger), {
    // Source and sink would run as one actor; apart, the sink can be killed alone.
    chaining: false,
    checkpoint: { dir: join(dir, 'checkpoints'), intervalMs: 100 },
    restart: { kind: 'fixedDelay', attempts: 10, delayMs: 20 },
  });
  console.log(`the job promises: ${handle.guarantee.guarantee}`);
  for (let tries = 0, kills = 0; tries < 20 && kills < KILLS; tries += 1) {
    await sleep(250);
    if (!kill(handle, 'ledger')) continue;
    kills += 1;
    console.log(`killed the writer, ${kills} of ${KILLS}`);
  }
  const { state, restarts } = await handle.finished;
  const names = readdirSync(ledger).filter((name) => name.endsWith('.csv'));
  console.log(`the job is ${state} after ${restarts} restarts`);
  console.log(audit(names.map((name) => readFileSync(join(ledger, name), 'utf8'))));
  rmSync(dir, { recursive: true });
}
