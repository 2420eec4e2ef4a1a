import fc from 'fast-check';
import { expect, test } from 'vitest';
import { session, sliding, windowStart } from '../../src/operators/windows/window-assigners.js';
import {
  END,
  type OperatorOutput,
  type OperatorStep,
  record,
  side,
  watermark,
} from '../../src/testing/operator-harness.js';
import { type Hit, hit, late, summing } from './window-checks.js';

interface Model {
  readonly steps: readonly OperatorStep[];
  readonly sizeMs: number;
  readonly slideMs: number;
  readonly latenessMs: number;
}

// The rules of semantics 3 for aligned windows, with nothing clever: every (key, window) on its own.
function naiveWindows({ steps, sizeMs, slideMs, latenessMs }: Model): OperatorOutput[] {
  const outputs: OperatorOutput[] = [];
  const windows = new Map<string, { k: string; start: number; total: number; order: number }>();
  let reached = Number.MIN_SAFE_INTEGER;
  let order = 0;
  const emit = (k: string, start: number, total: number) =>
    outputs.push(record(`${k}:${total}[${start},${start + sizeMs})`, start + sizeMs - 1));
  const advance = (time: number) => {
    const due = [...windows].filter(
      ([, w]) => w.start + sizeMs - 1 <= time && w.start + sizeMs - 1 > reached,
    );
    due.sort(([, a], [, b]) => a.start - b.start || a.order - b.order);
    for (const [, w] of due) emit(w.k, w.start, w.total);
    for (const [id, w] of windows) if (w.start + sizeMs - 1 + latenessMs <= time) windows.delete(id);
    reached = Math.max(reached, time);
  };
  for (const step of steps) {
    if (step.kind === 'watermark') {
      if (step.time <= reached) continue;
      advance(step.time);
      outputs.push(watermark(step.time));
    } else if (step.kind === 'record') {
      const { k, v } = step.value as Hit;
      const starts: number[] = [];
      for (
        let start = windowStart(step.timestamp, 0, slideMs);
        start > step.timestamp - sizeMs;
        start -= slideMs
      )
        starts.push(start);
      const live = starts.filter((start) => start + sizeMs - 1 + latenessMs > reached);
      if (live.length === 0 && starts.length > 0) outputs.push(side('late', step.value, step.timestamp));
      for (const start of live) {
        const id = `${k}/${start}`;
        const held = windows.get(id) ?? { k, start, total: 0, order: order++ };
        windows.set(id, { ...held, total: held.total + v });
      }
      for (const start of live)
        if (start + sizeMs - 1 <= reached) emit(k, start, windows.get(`${k}/${start}`)?.total ?? 0);
    } else {
      advance(Number.MAX_SAFE_INTEGER);
      outputs.push(END);
    }
  }
  return outputs;
}

const anyStep = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .record({
        k: fc.constantFrom('a', 'b', 'c'),
        v: fc.integer({ min: 1, max: 9 }),
        at: fc.integer({ min: -20, max: 60 }),
      })
      .map(({ k, v, at }) => hit(k, v, at)),
  },
  { weight: 1, arbitrary: fc.integer({ min: -20, max: 70 }).map((time): OperatorStep => watermark(time)) },
);

test('aligned windows agree with a naive model, through any crash', () => {
  const model = fc.record({
    steps: fc.array(anyStep, { maxLength: 25 }).map((steps) => [...steps, END]),
    sizeMs: fc.integer({ min: 1, max: 20 }),
    slideMs: fc.integer({ min: 1, max: 25 }),
    latenessMs: fc.constantFrom(0, 0, 7, 1000),
  });
  fc.assert(
    fc.property(model, (given) => {
      const slideMs = given.slideMs > 12 ? given.sizeMs : given.slideMs;
      const check = summing({
        assigner: sliding(given.sizeMs, slideMs),
        allowedLatenessMs: given.latenessMs,
        lateTag: late,
      });
      expect(check.input(...given.steps).outputs()).toEqual(naiveWindows({ ...given, slideMs }));
    }),
    { numRuns: 150 },
  );
});

test('without late records, sessions are the runs of each key that have no gap, whatever the order of arrival', () => {
  const hits = fc.array(
    fc.record({
      k: fc.constantFrom('a', 'b'),
      v: fc.integer({ min: 1, max: 9 }),
      at: fc.integer({ min: 0, max: 80 }),
    }),
    { maxLength: 20 },
  );
  fc.assert(
    fc.property(hits, fc.integer({ min: 1, max: 12 }), (given, gap) => {
      const expected: string[] = [];
      for (const k of ['a', 'b']) {
        const own = given.filter((each) => each.k === k).sort((x, y) => x.at - y.at);
        let run: { start: number; end: number; total: number } | null = null;
        const close = () => run !== null && expected.push(`${k}:${run.total}[${run.start},${run.end})`);
        for (const { v, at } of own) {
          if (run !== null && at <= run.end) run = { start: run.start, end: at + gap, total: run.total + v };
          else {
            close();
            run = { start: at, end: at + gap, total: v };
          }
        }
        close();
      }
      const outputs = summing({ assigner: session(gap) })
        .input(...given.map(({ k, v, at }) => hit(k, v, at)), END)
        .outputs();
      const got = outputs
        .filter((output) => output.kind === 'record')
        .map((output) => output.value as string);
      expect([...got].sort()).toEqual([...expected].sort());
    }),
    { numRuns: 150 },
  );
});

interface NaiveSession {
  start: number;
  end: number;
  total: number;
  fired: boolean;
}

// The rules of semantics 3.3, 3.7, 3.8, 3.18 with nothing clever: after each step, look at every session.
function naiveSessions(steps: readonly OperatorStep[], gap: number, latenessMs: number): OperatorOutput[] {
  const outputs: OperatorOutput[] = [];
  const sessions = new Map<string, NaiveSession[]>();
  let reached = Number.MIN_SAFE_INTEGER;
  const emit = (k: string, each: NaiveSession) =>
    outputs.push(record(`${k}:${each.total}[${each.start},${each.end})`, each.end - 1));
  const advance = (time: number) => {
    const due = [...sessions].flatMap(([k, all]) =>
      all.filter((each) => !each.fired && each.end - 1 <= time).map((each) => ({ k, each })),
    );
    for (const { k, each } of due.sort((a, b) => a.each.end - b.each.end)) {
      emit(k, each);
      each.fired = true;
    }
    for (const [k, all] of sessions)
      sessions.set(
        k,
        all.filter((each) => each.end - 1 + latenessMs > time),
      );
    reached = time;
  };
  for (const step of steps) {
    if (step.kind === 'watermark') {
      if (step.time <= reached) continue;
      advance(step.time);
      outputs.push(watermark(step.time));
    } else if (step.kind === 'record') {
      const { k, v } = step.value as Hit;
      const own = sessions.get(k) ?? [];
      const merged: NaiveSession = {
        start: step.timestamp,
        end: step.timestamp + gap,
        total: v,
        fired: false,
      };
      const touching = own.filter((each) => each.start <= merged.end && merged.start <= each.end);
      for (const each of touching) {
        merged.start = Math.min(merged.start, each.start);
        merged.end = Math.max(merged.end, each.end);
        merged.total += each.total;
      }
      if (merged.end - 1 + latenessMs <= reached) {
        outputs.push(side('late', step.value, step.timestamp));
        continue;
      }
      merged.fired = merged.end - 1 <= reached;
      if (merged.fired) emit(k, merged);
      sessions.set(k, [...own.filter((each) => !touching.includes(each)), merged]);
    } else if (step.kind === 'end') {
      advance(Number.MAX_SAFE_INTEGER);
      outputs.push(END);
    }
  }
  return outputs;
}

/** Sessions of several keys that end together fire in any order. */
function ordered(outputs: readonly OperatorOutput[]): string[] {
  const groups: string[][] = [[]];
  for (const output of outputs) {
    if (output.kind === 'record') groups.at(-1)?.push(`${output.timestamp} ${String(output.value)}`);
    else groups.push([JSON.stringify(output)], []);
  }
  return groups.flatMap((group) => group.sort());
}

test('session windows agree with a naive model, through any crash', () => {
  const model = fc.record({
    steps: fc.array(anyStep, { maxLength: 25 }).map((steps) => [...steps, END]),
    gap: fc.integer({ min: 1, max: 15 }),
    latenessMs: fc.constantFrom(0, 0, 5, 12, 1000),
  });
  fc.assert(
    fc.property(model, ({ steps, gap, latenessMs }) => {
      const outputs = summing({ assigner: session(gap), allowedLatenessMs: latenessMs, lateTag: late })
        .input(...steps)
        .outputs();
      expect(ordered(outputs)).toEqual(ordered(naiveSessions(steps, gap, latenessMs)));
    }),
    { numRuns: 200 },
  );
});
