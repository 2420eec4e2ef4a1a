// The report of a failure and the table of an exploration: what a person reads, word by word.

import { describe, expect, test } from 'vitest';
import type { Outcome, RunSpec, TraceEvent } from '../../src/chaos/execution.js';
import type { ExploreReport, Failure } from '../../src/chaos/exploration.js';
import { failureText, isOfExploration } from '../../src/chaos/failure-report.js';
import { FAULT_KINDS, type FaultKind } from '../../src/chaos/fault-kinds.js';
import type { PlannedFault } from '../../src/chaos/plan.js';
import { exploreJson, exploreText, sumOf } from '../../src/chaos/report-explore.js';
import { actorLines, TIMELINE_LINES_MAX, timelineLines } from '../../src/chaos/report-timeline.js';
import { faultInWords, showMs } from '../../src/chaos/report-words.js';
import { unreachedProperties } from '../../src/chaos/vacuity.js';

const CRASH: PlannedFault = {
  kind: 'actor.crash',
  target: 'coordinator',
  trigger: { kind: 'step', step: 'prepare.done', n: 2 },
};
const SPEC: RunSpec = {
  seed: 42,
  plan: { version: 1, faults: [CRASH] },
  knobs: { parallelism: 1, records: 4, latencyMs: 0 },
  choices: null,
  trace: true,
};

function event(atMs: number, actor: string, text: string, kind: TraceEvent['kind'] = 'message'): TraceEvent {
  return { atMs, atStep: atMs, actor, text, kind };
}

const OUTCOME: Outcome = {
  violations: [{ check: 'exactlyOnce', oracle: 'O1', message: '1 lost: 3.', example: ['3'] }],
  fired: [{ fault: 0, kind: 'actor.crash', atMs: 120, atStep: 120, hit: '/job/coordinator' }],
  unfired: [],
  stepsReached: new Map(),
  stepsCrashed: new Map(),
  properties: new Map(),
  counts: { steps: 812, virtualMs: 1_500, checkpoints: 3, restores: 1, attempts: 2, checked: 4 },
  hash: 'abc',
  choices: [],
  trace: {
    events: [
      event(100, '/job/coordinator', 'barrier.injected', 'step'),
      event(119, '/job/sink-0', 'prepare.done', 'step'),
      event(120, '/job/coordinator', 'the coordinator dies', 'fault'),
      event(121, '/job', 'starts attempt 2', 'life'),
    ],
    tree: {
      name: 'job',
      state: 'running',
      restarts: 0,
      lastError: null,
      children: [
        { name: 'coordinator', state: 'running', restarts: 1, lastError: 'injected\ncrash', children: [] },
        { name: 'sink-0', state: 'running', restarts: 0, lastError: null, children: [] },
      ],
    },
  },
};

const FAILURE: Failure = {
  subject: 'orders',
  violation: { check: 'exactlyOnce', oracle: 'O1', message: '1 lost: 3.', example: ['3'] },
  found: { ...SPEC, seed: 17, knobs: { parallelism: 3, records: 500, latencyMs: 9 } },
  minimal: SPEC,
  outcome: OUTCOME,
  shrink: { result: 'minimal', runs: 34, elapsedMs: 1_240, faultsBefore: 6, faultsAfter: 1 },
  token: 'c1.abc',
  unstable: false,
};

test('a failure says what is wrong first, and how to see it again last', () => {
  expect(failureText(FAILURE, { replayCommand: 'weir chaos replay orders.ts c1.abc' })).toBe(
    `orders: exactlyOnce (O1) is violated, seed 42
  1 lost: 3.
  counterexample: 3

Faults
  0  the coordinator dies at prepare.done, the 2nd time

With
  parallelism 1 (was 3), records 4 (was 500)

What happened
      0.100 s   /job/coordinator  barrier.injected
      0.119 s   /job/sink-0  prepare.done
      0.120 s ! /job/coordinator  the coordinator dies
      0.121 s   /job  starts attempt 2

Actors at the end
  job  running
    coordinator  running, 1 restart, last error: injected crash
    sink-0  running

Last events of those involved
  /job/coordinator
        0.100 s   barrier.injected
        0.120 s ! the coordinator dies

Found
  shrunk from 6 faults to 1 in 34 runs, 1.24 s: nothing can be left out; found with seed 17
  812 steps, 1.5 s of virtual time, 3 checkpoints, 1 restore

Replay: weir chaos replay orders.ts c1.abc`,
  );
});

test('without faults, without a trace and without shrinking, the rest still stands', () => {
  const bare: Failure = {
    ...FAILURE,
    minimal: { ...SPEC, plan: { version: 1, faults: [] }, knobs: {} },
    outcome: {
      ...OUTCOME,
      trace: null,
      violations: [
        ...OUTCOME.violations,
        { check: 'drains', oracle: 'O7', message: 'stands still', example: [] },
      ],
    },
    shrink: null,
    unstable: true,
  };
  const text = failureText(bare, { replayCommand: 'again' });
  expect(text).toContain(
    'Faults\n  none: the order of events alone is enough\n\nFound\n  as found, with seed 17; not shrunk',
  );
  expect(text).toContain('the same run violates also: drains');
  expect(text).toContain('UNSTABLE');
});

// As exploring reports it: the first run stands for all of them.
const UNREACHED = unreachedProperties(new Map([['retried', { kind: 'sometimes', held: 0, failed: 3 }]]), 40);
const NEVER: Failure = {
  ...FAILURE,
  violation: UNREACHED[0] ?? FAILURE.violation,
  outcome: { ...OUTCOME, violations: UNREACHED },
  token: 'c1.first',
};

test.each(['sometimes', 'reachable', 'always'] as const)(
  'a property of kind %s that was never seen is of the exploration',
  (kind) => {
    const [violation = FAILURE.violation] = unreachedProperties(
      new Map([['x', { kind, held: 0, failed: 0 }]]),
      40,
    );
    expect(isOfExploration({ ...NEVER, violation })).toBe(true);
    expect(isOfExploration(FAILURE)).toBe(false);
  },
);

test('what no run shows is not blamed on the one that stands for it', () => {
  expect(failureText(NEVER, { replayCommand: 'again' })).toBe(
    `orders: retried is violated by all runs together
  "retried" held in none of 40 seeds (looked at 3 times).

Replay the first of them: again`,
  );
});

describe('faults in words', () => {
  const nth = (n: number) => ({ kind: 'nth', n }) as const;
  test.each<readonly [PlannedFault, string]>([
    [CRASH, 'the coordinator dies at prepare.done, the 2nd time'],
    [
      { kind: 'actor.throw', target: 'enrich', trigger: nth(7) },
      'the handler of enrich throws, the 7th time',
    ],
    [
      { kind: 'actor.crash', target: '*', trigger: { kind: 'step', step: 'ack.sent', role: 'sink', n: 1 } },
      'any actor dies when the sink reaches ack.sent',
    ],
    [
      { kind: 'link.drop', target: 'a -> b', trigger: { kind: 'chance', probability: 0.1 }, times: null },
      'a message is lost on a -> b, each time with probability 0.1, for ever',
    ],
    [
      {
        kind: 'link.delay',
        target: '*',
        trigger: { kind: 'every', n: 3 },
        parameters: { ms: 1_500 },
        times: 4,
      },
      'messages of a link are late on any link (1.5 s), every 3rd time, at most 4 times',
    ],
    [
      { kind: 'mailbox.small', target: '/till', trigger: { kind: 'time', ms: 250 }, forMs: 2_000 },
      'the mailbox holds few messages (/till) (capacity 1), 250 ms after the start, for 2 s',
    ],
    [
      { kind: 'store.full', target: 'checkpoints', trigger: { kind: 'when', predicate: 'busy' } },
      'no room on the disk (ENOSPC) (checkpoints), while "busy" holds',
    ],
    [
      { kind: 'process.kill', target: 'process', trigger: { kind: 'during', fault: 0 }, after: 0 },
      'the process is killed, while fault 0 is in effect, once fault 0 has fired',
    ],
    [
      { kind: 'ack.drop', target: 'sink', trigger: nth(12) },
      'an acknowledgement is lost (sink), the 12th time',
    ],
  ])('%j', (fault, words) => {
    expect(faultInWords(fault)).toBe(words);
  });

  test('every kind has its line', () => {
    const kinds: readonly FaultKind[] = [...FAULT_KINDS.keys()];
    const words = kinds.map((kind) => faultInWords({ kind, target: '*', trigger: nth(1) }));
    expect(words.filter((line) => /undefined|\[object|\*/.test(line))).toEqual([]);
    expect(words.every((line) => line.endsWith(', the 1st time'))).toBe(true);
  });

  test('times keep what people search for', () => {
    expect([0, 0.25, 999, 1_500, 60_000, 90_000, -3_600_000].map(showMs)).toEqual([
      '0 ms',
      '0.25 ms',
      '999 ms',
      '1.5 s',
      '1 min',
      '1.5 min',
      '-60 min',
    ]);
  });
});

describe('the timeline', () => {
  test('keeps every fault and what is nearest, and says what it left out', () => {
    const events = Array.from({ length: 200 }, (_, index) =>
      index === 50 || index === 150
        ? event(index, '/a', 'dies', 'fault')
        : event(index, '/a', `m${index}`, index % 2 === 0 ? 'step' : 'message'),
    );
    const lines = timelineLines({ events, tree: null });
    const shown = lines.filter((line) => !line.includes('...'));
    expect(shown).toHaveLength(TIMELINE_LINES_MAX);
    expect(shown.filter((line) => line.includes('!'))).toHaveLength(2);
    expect(lines.at(-1)).toMatch(/\.\.\. \d+ events$/);
    expect(lines.some((line) => line.includes('m49'))).toBe(true);
    expect(lines.some((line) => line.includes('m100'))).toBe(false);
    const left = lines.flatMap((line) => / (\d+) events?$/.exec(line)?.[1] ?? []).map(Number);
    expect(left.reduce((sum, count) => sum + count, 0) + shown.length).toBe(200);
  });

  test('subtasks of an operator are involved when it is hit', () => {
    const events = [
      event(1, '/job/attempt-1/0-scenario-input.0', 'reads'),
      event(2, '0-scenario-input/0', 'barrier.injected', 'step'),
      event(3, '/job/attempt-1/1-reduce.0', 'counts'),
    ];
    const hit = { fault: 0, kind: 'source.fail', atMs: 3, atStep: 3, hit: 'scenario input' } as const;
    const lines = actorLines({ ...OUTCOME, violations: [], fired: [hit] }, { events, tree: null });
    expect(lines.filter((line) => !line.startsWith(' '))).toEqual([
      '/job/attempt-1/0-scenario-input.0',
      '0-scenario-input/0',
    ]);
  });

  test('without faults it shows the end', () => {
    const events = Array.from({ length: 30 }, (_, index) => event(index, '/a', `m${index}`));
    const lines = timelineLines({ events, tree: null });
    expect(lines.at(-1)).toContain('m29');
    expect(lines[0]).toContain('... 10 events');
  });
});

const REPORT: ExploreReport = {
  subject: 'orders',
  seeds: 2_000,
  failures: [FAILURE],
  elapsedMs: 24_000,
  seedsPerMinute: 5_000,
  faultsFired: new Map<FaultKind, number>([
    ['link.drop', 30],
    ['actor.crash', 1_200],
  ]),
  counts: {
    steps: 1_000_000,
    virtualMs: 90_000,
    checkpoints: 12_000,
    restores: 1_100,
    attempts: 3_100,
    checked: 8_000,
  },
  stepsReached: new Map([
    ['sink prepare.done', 9],
    ['source barrier.injected', 7],
  ]),
  stepsCrashed: new Map([['sink prepare.done', 2]]),
  properties: new Map([['recovered', { kind: 'sometimes', held: 3, failed: 1 }]]),
  vacuous: ['store.hang never fired.'],
  doubleRuns: 20,
};
const HOW = { replayCommand: ({ token }: Failure) => `weir chaos replay orders.ts ${token}` };

test('an exploration is a table', () => {
  expect(exploreText(exploreJson(REPORT, HOW))).toBe(
    `orders
  seeds         2,000, 20 of them run twice
  seeds/min     5,000, 24 s in all
  steps         1,000,000 in 1.5 min of virtual time
  faults fired  1,230 of 2 kinds
  checkpoints   12,000
  restores      1,100, 3,100 attempts
  checked       8,000
  crash points  1 of 2; no crash yet at source barrier.injected
  violations    1

Faults fired
  actor.crash  1,200
  link.drop    30

Properties
  sometimes recovered  held 3, not 1

Proves less than it seems
  store.hang never fired.`,
  );
});

test('the JSON of an exploration survives JSON, and carries what a program needs of a failure', () => {
  const json = exploreJson(REPORT, HOW);
  expect(JSON.parse(JSON.stringify(json))).toEqual(json);
  expect(json.failures[0]).toMatchObject({
    token: 'c1.abc',
    seed: 42,
    foundWithSeed: 17,
    replay: 'weir chaos replay orders.ts c1.abc',
    violation: { check: 'exactlyOnce' },
    plan: { version: 1 },
  });
});

test('shares of one exploration add up: sums are added, time is not, and what one has seen nobody misses', () => {
  const json = exploreJson(REPORT, HOW);
  const other = { ...json, seeds: 1_000, elapsedMs: 12_000, vacuous: ['link.drop never fired.'] };
  const sum = sumOf([json, other]);
  expect(sum).toMatchObject({
    seeds: 3_000,
    elapsedMs: 24_000,
    seedsPerMinute: 10_000,
    faultsFired: { 'actor.crash': 2_400, 'link.drop': 60 },
    stepsReached: { 'sink prepare.done': 18 },
    properties: { recovered: { kind: 'sometimes', held: 6, failed: 2 } },
    vacuous: [],
    doubleRuns: 40,
  });
  expect(sum.counts.checkpoints).toBe(24_000);
  expect(sum.failures).toHaveLength(1);
});

test('what one share never saw, and another did, is no failure of the sum; what all are too small to judge is told', () => {
  const sometimes = (held: number) => ({ retried: { kind: 'sometimes', held, failed: 0 } }) as const;
  const json = {
    ...exploreJson({ ...REPORT, failures: [NEVER], vacuous: [] }, HOW),
    properties: sometimes(0),
  };
  expect(sumOf([json, { ...json, failures: [], properties: sometimes(1) }]).failures).toEqual([]);
  const both = sumOf([json, json]);
  expect(both.failures).toHaveLength(1);
  expect(both.vacuous).toEqual([]);
  const small = { ...json, seeds: 15, failures: [] };
  expect(sumOf([small, small]).vacuous).toEqual([
    expect.stringContaining('"retried" held in none of 30 seeds'),
  ]);
});
