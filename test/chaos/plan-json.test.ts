// Plans as JSON: good ones come back as they were, bad ones are refused with everything that is wrong.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../src/base/errors.js';
import { drawPlan } from '../../src/chaos/draw-plan.js';
import type { Targets } from '../../src/chaos/execution.js';
import { fault, planOf } from '../../src/chaos/fault.js';
import { FAULT_KINDS } from '../../src/chaos/fault-kinds.js';
import { NO_FAULTS } from '../../src/chaos/plan.js';
import { PLAN_FAULTS_MAX, parsePlan, planText } from '../../src/chaos/plan-json.js';
import { planSchema } from '../../src/chaos/plan-schema.js';

const KILL = { kind: 'process.kill', target: 'process', trigger: { kind: 'nth', n: 1 } };

const EVERYTHING: Targets = {
  apps: 'jobs',
  kinds: [...FAULT_KINDS].filter(([, info]) => info.apps !== 'actors').map(([kind]) => kind),
  actors: ['source', 'sink', 'enrich'],
  links: ['source -> enrich', 'enrich -> sink'],
  predicates: ['late'],
};

/** The problems that the reader finds, without the headline. */
function problems(value: unknown): readonly string[] {
  try {
    parsePlan(value);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message.split('\n  - ').slice(1);
  }
  return [];
}

function problemsOf(...faults: readonly unknown[]): readonly string[] {
  return problems({ version: 1, faults });
}

describe('a good plan', () => {
  test('comes back as it was written', () => {
    const kill = fault.kill('coordinator').at('metadata.durable', { role: 'coordinator', nth: 2 });
    const plan = planOf([kill, fault.store().slow('1s').during(kill).times(3).for('2s')], () => 0);
    const text = planText(plan);
    expect(text).toBe(`{
  "version": 1,
  "faults": [
    {
      "kind": "actor.crash",
      "target": "coordinator",
      "trigger": {
        "kind": "step",
        "step": "metadata.durable",
        "role": "coordinator",
        "n": 2
      }
    },
    {
      "kind": "store.slow",
      "target": "checkpoints",
      "trigger": {
        "kind": "during",
        "fault": 0
      },
      "times": 3,
      "forMs": 2000,
      "parameters": {
        "ms": 1000
      }
    }
  ]
}
`);
    expect(parsePlan(JSON.parse(text))).toEqual(plan);
    expect(parsePlan(NO_FAULTS)).toEqual(NO_FAULTS);
  });

  test('has one text, whatever the order of its fields', () => {
    const shuffled = {
      faults: [{ trigger: { n: 1, kind: 'nth' }, times: null, target: 'process', kind: 'process.kill' }],
      version: 1,
    };
    const ordered = { version: 1, faults: [{ ...KILL, times: null }] };
    expect(planText(parsePlan(shuffled))).toBe(planText(parsePlan(ordered)));
  });

  test('is every plan that is drawn at random', () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const plan = drawPlan(EVERYTHING, seed, { max: 12 });
        const text = planText(plan);
        const read = parsePlan(JSON.parse(text));
        expect(read).toEqual(plan);
        expect(planText(read)).toBe(text);
      }),
      { numRuns: 300 },
    );
  });
});

describe('a bad plan', () => {
  test.each<[unknown, RegExp]>([
    [null, /^plan: expected an object .* got null/],
    [[], /^plan: expected an object/],
    [{}, /^version: expected 1, got undefined/],
    [{ version: 2, faults: 'in another form' }, /^version: expected 1, got 2/],
    [{ version: 1 }, /^faults: expected a list/],
    [{ version: 1, faults: [], seed: 3 }, /^seed: is not known here; expected version, faults/],
    [{ version: 1, faults: Array(PLAN_FAULTS_MAX + 1).fill(KILL) }, /^faults: .* 1000 faults, got 1001/],
  ])('%j', (value, problem) => {
    expect(problems(value)).toEqual([expect.stringMatching(problem)]);
  });

  test('of a version to come is not read any further', () => {
    expect(problems({ version: 2, faults: [{ kind: 'from the future' }] })).toHaveLength(1);
  });

  test.each<[string, object, RegExp]>([
    [
      'kind',
      { kind: 'process.kil' },
      /^faults\[0\]\.kind: expected one of .*process\.kill.* got "process\.kil"/,
    ],
    ['target', { target: 'coordinator' }, /^faults\[0\]\.target: process\.kill hits "process" or "machine"/],
    ['no target', { target: undefined }, /^faults\[0\]\.target: .* got undefined/],
    ['times', { times: 0 }, /^faults\[0\]\.times: expected a whole number from 1/],
    ['forMs', { forMs: '2s' }, /^faults\[0\]\.forMs: expected a number from 0 .* got "2s"/],
    ['after', { after: 1 }, /^faults\[0\]\.after: expected a whole number from 0 to 0, got 1/],
    ['itself', { after: 0 }, /^faults\[0\]: wait .* for themselves/],
    ['field', { trigers: [] }, /^faults\[0\]\.trigers: is not known here/],
    [
      'parameter',
      { parameters: { ms: 5 } },
      /^faults\[0\]\.parameters\.ms: .* no parameter "ms": it has none/,
    ],
    ['inherited', { parameters: { toString: 5 } }, /no parameter "toString"/],
    ['trigger', { trigger: 'nth' }, /^faults\[0\]\.trigger: expected a trigger of kind nth.* got "nth"/],
    ['trigger kind', { trigger: { kind: 'toString' } }, /^faults\[0\]\.trigger: .* got "toString"/],
    [
      'n',
      { trigger: { kind: 'nth', n: 1.5 } },
      /^faults\[0\]\.trigger\.n: expected a whole number .* got 1.5/,
    ],
    ['ms', { trigger: { kind: 'time', ms: -1 } }, /^faults\[0\]\.trigger\.ms: expected .* from 0/],
    [
      'chance',
      { trigger: { kind: 'chance', probability: 2 } },
      /^faults\[0\]\.trigger\.probability: .* to 1/,
    ],
    ['when', { trigger: { kind: 'when' } }, /^faults\[0\]\.trigger\.predicate: .* got undefined/],
    ['during', { trigger: { kind: 'during', fault: 3 } }, /^faults\[0\]\.trigger\.fault: .* got 3/],
    [
      'step',
      { trigger: { kind: 'step', step: 'ack.lost', n: 1 } },
      /^faults\[0\]\.trigger\.step: .* "ack\.lost"/,
    ],
    [
      'role',
      { trigger: { kind: 'step', step: 'ack.sent', role: 'me', n: 1 } },
      /\.trigger\.role: .* got "me"/,
    ],
    [
      'stray',
      { trigger: { kind: 'nth', n: 1, step: 'ack.sent' } },
      /^faults\[0\]\.trigger\.step: is not known/,
    ],
  ])('%s', (_, change, problem) => {
    expect(problemsOf({ ...KILL, ...change })).toEqual([expect.stringMatching(problem)]);
  });

  test.each<[string, string, boolean]>([
    ['actor.throw', '/till', true],
    ['actor.throw', 'a -> b', false],
    ['actor.throw', '', false],
    ['link.drop', 'a -> *', true],
    ['link.drop', 'a', false],
    ['link.drop', 'a -> b -> c', false],
    ['network.reset', '9092', true],
    ['network.reset', '0', false],
    ['network.reset', '65536', false],
    ['clock.jump', 'clock', true],
    ['clock.jump', 'process', false],
    ['store.full', '', false],
  ])('%s on "%s": %s', (kind, target, good) => {
    expect(problemsOf({ ...KILL, kind, target })).toHaveLength(good ? 0 : 1);
  });

  test('protocol steps are for jobs', () => {
    const trigger = { kind: 'step', step: 'ack.sent', n: 1 };
    expect(problemsOf({ kind: 'actor.stop', target: 'till', trigger })).toEqual([
      expect.stringMatching(/^faults\[0\]\.trigger: actor\.stop hits apps of plain actors/),
    ]);
    expect(problemsOf({ kind: 'actor.crash', target: 'till', trigger })).toEqual([]);
  });

  test('tells everything that is wrong at once', () => {
    const found = problemsOf({ ...KILL, times: 0, forMs: -1 }, KILL, {
      kind: 'store.slow',
      target: 'checkpoints',
      trigger: { kind: 'nth', n: 0 },
      parameters: { ms: 1e9 },
    });
    expect(found.map((one) => one.split(':')[0])).toEqual([
      'faults[0].times',
      'faults[0].forMs',
      'faults[2].trigger.n',
      'faults[2].parameters.ms',
    ]);
  });

  test('that waits in a circle can never fire', () => {
    const during = (index: number) => ({ ...KILL, trigger: { kind: 'during', fault: index } });
    expect(problemsOf(during(1), { ...KILL, after: 2 }, during(0), KILL, during(3))).toEqual([
      expect.stringMatching(/^faults\[0\], faults\[1\], faults\[2\]: wait/),
    ]);
  });

  test('never does more harm than an error', () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        expect(problemsOf(value).length).toBeGreaterThan(0);
        problemsOf({ ...KILL, trigger: value, parameters: value, target: value });
      }),
    );
  });
});

describe('the schema', () => {
  test('knows every kind with its parameters, and is JSON', () => {
    const text = JSON.stringify(planSchema);
    expect(JSON.parse(text)).toEqual(planSchema);
    for (const kind of FAULT_KINDS.keys()) expect(text).toContain(`{"const":"${kind}"}`);
    expect(text).toContain('"capacity":{"type":"integer","minimum":1,"maximum":8,"default":1}');
    expect(text).toContain('"required":["kind","target","trigger"]');
  });
});
