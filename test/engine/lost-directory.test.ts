// The checkpoint directory goes away, or goes back in time, while the job runs: nothing is told downstream again.

import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { type CollectSink, collectSink, defineJob, forEachSink, generator, run } from '../../src/index.js';

const restart = { kind: 'fixedDelay', attempts: 5, delayMs: 1 } as const;
const roots: string[] = [];

afterEach(() => {
  for (const root of roots.splice(0)) rmSync(root, { recursive: true, force: true });
});

function scratch(): string {
  const root = mkdtempSync(join(tmpdir(), 'weir-lost-'));
  roots.push(root);
  return root;
}

/** Fails once, when enough has been committed, after `before` has done its damage. */
async function outcomeOf(damage: (dir: string) => void, prepare: ((dir: string) => void) | null = null) {
  const dir = join(scratch(), 'checkpoints');
  const committed: CollectSink<number> = collectSink<number>();
  const told: number[] = [];
  let stage: 'fresh' | 'prepared' | 'damaged' = 'fresh';
  const job = defineJob('lost', (env) => {
    const numbers = env.from(generator({ seed: 1, ratePerSecond: 20_000, make: (n) => n }), {
      uid: 'numbers',
    });
    const mapped = numbers.map((n) => {
      const rows = committed.committed().length;
      if (stage === 'fresh' && rows > 0) {
        prepare?.(dir);
        stage = 'prepared';
      }
      if (stage === 'prepared' && rows > 2_000) {
        damage(dir);
        stage = 'damaged';
        throw new Error('something else went wrong');
      }
      return n;
    });
    mapped.sinkTo(committed, { uid: 'committed' });
    mapped.sinkTo(
      forEachSink((n: number) => void told.push(n)),
      { uid: 'told' },
    );
  });
  const handle = await run(job, { checkpoint: { dir, intervalMs: 10 }, restart });
  const failure = await handle.finished.then(
    ({ state }) => new Error(`the job ended as ${state}`),
    (error: Error) => error,
  );
  return { failure, committed: committed.committed(), told };
}

describe('a checkpoint directory that is not what it was', () => {
  test('removed: the restart is refused, and nothing begins from scratch', async () => {
    const { failure, committed, told } = await outcomeOf((dir) => rmSync(dir, { recursive: true }));
    expect(String(failure)).toMatch(/a restart cannot help/);
    expect(String(failure)).toMatch(/is not what it was|was removed or replaced/);
    expect(new Set(committed).size).toBe(committed.length);
    expect(told.filter((n) => n === 0)).toHaveLength(1);
  });

  test('put back from a copy of this very attempt: refused as well', async () => {
    const copy = scratch();
    const { failure, committed } = await outcomeOf(
      (dir) => {
        rmSync(dir, { recursive: true });
        cpSync(copy, dir, { recursive: true });
      },
      (dir) => cpSync(dir, copy, { recursive: true }),
    );
    expect(String(failure)).toMatch(/a restart cannot help/);
    expect(new Set(committed).size).toBe(committed.length);
  });
});
