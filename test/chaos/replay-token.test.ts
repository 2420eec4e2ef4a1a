// Replay tokens: every run comes back as it was, and a damaged token is never read as another run.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checksum } from '../../src/base/checksum.js';
import { ConfigError } from '../../src/base/errors.js';
import {
  CHOICES_MAX,
  choiceBytes,
  choicesFromBytes,
  choicesFromText,
  choiceText,
  pushVarint,
} from '../../src/chaos/choice-codes.js';
import { drawPlan } from '../../src/chaos/draw-plan.js';
import type { Targets } from '../../src/chaos/execution.js';
import { fault, planOf } from '../../src/chaos/fault.js';
import { FAULT_KINDS } from '../../src/chaos/fault-kinds.js';
import { NO_FAULTS } from '../../src/chaos/plan.js';
import type { RecordedRun } from '../../src/chaos/recorded-run.js';
import { parseReplayToken, replayToken } from '../../src/chaos/replay-token.js';

const TARGETS: Targets = {
  apps: 'jobs',
  kinds: [...FAULT_KINDS].filter(([, info]) => info.apps !== 'actors').map(([kind]) => kind),
  actors: ['source', 'sink', 'enrich'],
  links: ['source -> enrich'],
  predicates: ['späte Sätze'],
};

const RUN: RecordedRun = {
  version: '0.1.0',
  subject: 'orders',
  spec: {
    seed: 42,
    plan: planOf([fault.kill('coordinator').at('metadata.durable')], () => 0),
    knobs: { parallelism: 2, records: 40 },
    choices: [...Array<number>(5_000).fill(0), 2, 1, ...Array<number>(300).fill(0)],
    trace: true,
  },
  hash: '9f3a61c2',
};

/** Bytes as they were written first: tokens outlive versions. */
const OLD_TOKEN =
  'c1.7gF7IndlaXIiOiIwLjEuMCIsInN1YmplY3QiOiJvcmRlcnMiLCJzZWVkIjo0Miwia25vYnMiOnsicGFyYWxsZWxpc20iOjIsInJlY29yZHMiOjQwfSwicGxhbiI6eyJ2ZXJzaW9uIjoxLCJmYXVsdHMiOlt7ImtpbmQiOiJhY3Rvci5jcmFzaCIsInRhcmdldCI6ImNvb3JkaW5hdG9yIiwidHJpZ2dlciI6eyJraW5kIjoic3RlcCIsInN0ZXAiOiJtZXRhZGF0YS5kdXJhYmxlIiwibiI6MX19XX0sImhhc2giOiI5ZjNhNjFjMiJ9AZBOBQPYBAtjOiU';

const choices = fc.array(fc.oneof(fc.constant(0), fc.nat(9), fc.integer({ min: 0, max: 4_294_967_295 })));

const run: fc.Arbitrary<RecordedRun> = fc.record({
  version: fc.string(),
  subject: fc.string({ unit: 'binary' }),
  spec: fc.record({
    seed: fc.maxSafeInteger().map((seed) => seed || 0),
    plan: fc.oneof(
      fc.constant(NO_FAULTS),
      fc.nat().map((seed) => drawPlan(TARGETS, seed)),
    ),
    knobs: fc.dictionary(
      fc.string({ minLength: 1 }),
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((knob) => knob || 0),
    ),
    choices: fc.option(choices),
    trace: fc.constant(true),
  }),
  hash: fc.string(),
});

/** A token with this head, and a checksum that is right. */
function forged(head: string): string {
  const length: number[] = [];
  pushVarint(length, head.length);
  const body = Buffer.concat([Uint8Array.from(length), Buffer.from(head), Uint8Array.of(0)]);
  const seal = Buffer.alloc(4);
  seal.writeUInt32LE(checksum(body));
  return `c1.${Buffer.concat([body, seal]).toString('base64url')}`;
}

describe('a token', () => {
  test('gives back every run', () => {
    fc.assert(
      fc.property(run, (one) => {
        expect(parseReplayToken(replayToken(one))).toEqual(one);
      }),
    );
  });

  test('is the same for the same run, in whatever order its knobs were named', () => {
    const turned = { ...RUN, spec: { ...RUN.spec, knobs: { records: 40, parallelism: 2 } } };
    expect(replayToken(turned)).toBe(replayToken(RUN));
  });

  test('is one word, short although the schedule is long', () => {
    const token = replayToken(RUN);
    expect(token).toMatch(/^c1\.[\w-]+$/);
    expect(token.length).toBeLessThan(350);
    expect(parseReplayToken(` ${token}\n`)).toEqual(RUN);
  });

  test('of format c1 is read by every version to come', () => {
    expect(parseReplayToken(OLD_TOKEN)).toEqual(RUN);
  });

  test('with one other character is refused', () => {
    const token = replayToken(RUN);
    const character = fc.constantFrom(
      ...'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.= ',
    );
    fc.assert(
      fc.property(fc.nat(token.length - 1), character, (at, other) => {
        fc.pre(token[at] !== other);
        const damaged = token.slice(0, at) + other + token.slice(at + 1);
        expect(() => parseReplayToken(damaged)).toThrow(ConfigError);
      }),
      { numRuns: 1_000 },
    );
  });

  test('in which the last bits, which decode to nothing, are flipped is refused', () => {
    // 1, 2 and 3 bytes over: all the ways in which a text can end.
    for (const subject of ['a', 'ab', 'abc']) {
      const token = replayToken({ ...RUN, subject });
      for (const last of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_') {
        const damaged = token.slice(0, -1) + last;
        if (damaged !== token) expect(() => parseReplayToken(damaged)).toThrow(/checksum/);
      }
    }
  });

  test.each([
    ['cut off', (token: string) => token.slice(0, -1)],
    ['too long', (token: string) => `${token}A`],
    ['half', (token: string) => token.slice(0, token.length / 2)],
    ['empty', () => ''],
    ['only its format', () => 'c1.'],
    ['something else', () => 'orders'],
  ])('%s is refused', (_, damage) => {
    expect(() => parseReplayToken(damage(replayToken(RUN)))).toThrow(/no replay token, or a damaged one/);
  });

  test('of another format says who can read it', () => {
    const token = replayToken(RUN).replace('c1.', 'c2.');
    expect(() => parseReplayToken(token)).toThrow(/format c2, expected c1\. Replay it with the version/);
  });

  test('that is intact, but asks for what there is not, says what', () => {
    const faults = [{ kind: 'link.eat', target: '*', trigger: { kind: 'nth', n: 1 } }];
    const head = { weir: '9.0.0', subject: 'a', seed: 1, knobs: {}, hash: '', plan: { version: 1, faults } };
    expect(() => parseReplayToken(forged(JSON.stringify(head)))).toThrow(
      /intact, but cannot be used: plan: .*faults\[0\]\.kind: .* got "link\.eat".*made by version 9\.0\.0/s,
    );
    expect(() => parseReplayToken(forged('{"seed":1.5}'))).toThrow(/seed: expected a whole number, got 1.5/);
    expect(() => parseReplayToken(forged('[]'))).toThrow(/seed: expected/);
    expect(() => parseReplayToken(forged('{'))).toThrow(/intact, but cannot be used/);
  });

  test.each<[string, Partial<RecordedRun['spec']>, RegExp]>([
    ['seed', { seed: 0.5 }, /seed: expected a whole number, got 0.5/],
    ['knob', { knobs: { records: Number.NaN } }, /knobs\.records: expected a number, got NaN/],
    ['choice', { choices: [0, -1] }, /choice is a whole number .* got -1/],
    ['fraction', { choices: [0.5] }, /choice is a whole number .* got 0.5/],
  ])('is not made of a bad %s', (_, change, message) => {
    expect(() => replayToken({ ...RUN, spec: { ...RUN.spec, ...change } })).toThrow(message);
  });
});

describe('choices', () => {
  test('come back from both forms', () => {
    fc.assert(
      fc.property(choices, (some) => {
        expect(choicesFromBytes(choiceBytes(some))).toEqual(some);
        expect(choicesFromText(choiceText(some))).toEqual(some);
      }),
    );
  });

  test('that are almost all zero take almost nothing', () => {
    const some = [...Array<number>(100_000).fill(0), 3, ...Array<number>(50_000).fill(0)];
    expect(choiceBytes(some).length).toBe(7);
    expect(choiceText(some)).toBe('0*100000 3 0*50000');
  });

  test('without end are refused before they are made', () => {
    expect(() => choicesFromText(`0*${CHOICES_MAX} 1`)).toThrow(/at most 16777216 choices/);
    expect(() => choicesFromText('0*0')).toThrow(ConfigError);
    expect(() => choicesFromText('1, 2')).toThrow(/"0\*1200 3 1", but there is "1,"/);
    expect(() => choicesFromBytes(Uint8Array.of(0x80))).toThrow(/end within a number/);
    expect(() => choicesFromBytes(new Uint8Array(20).fill(0xff))).toThrow(ConfigError);
  });
});
