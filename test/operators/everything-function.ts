// A function that does to its state whatever its records say, and then fails on those that are poison.

import fc from 'fast-check';
import { type KeyedContext, KeyedProcessFunction } from '../../src/operators/process-function.js';
import { sideOutput } from '../../src/operators/side-output.js';
import {
  aggregatingState,
  listState,
  mapState,
  reducingState,
  valueState,
} from '../../src/operators/state-handles.js';
import {
  clock,
  END,
  type OperatorOutput,
  type OperatorStep,
  record,
  watermark,
} from '../../src/testing/operator-script.js';

const odd = sideOutput<unknown>('odd');

export type Op =
  | { readonly kind: 'set' | 'list' | 'reduce' | 'aggregate' | 'emit' | 'side' | 'item'; readonly n: number }
  | {
      readonly kind: 'mapSet' | 'mapDelete' | 'ttlSet' | 'ttlDelete';
      readonly at: number;
      readonly n: number;
    }
  | { readonly kind: 'timer' | 'deleteTimer' | 'processing'; readonly n: number }
  | {
      readonly kind: 'clear';
      readonly what: 'value' | 'list' | 'map' | 'ttlMap' | 'total' | 'seen' | 'ttlList';
    }
  | { readonly kind: 'show' | 'grow' | 'replaceList' };

export interface Row {
  readonly key: number;
  readonly ops: readonly Op[];
  readonly poison: boolean;
}

const shownMap = (entries: Iterable<[number, number]>): string =>
  [...entries]
    .sort(([a], [b]) => a - b)
    .map(([key, value]) => `${key}:${value}`)
    .join(' ');

/** Does what its records say, and then fails on those that are poison. */
export class Everything extends KeyedProcessFunction<number, Row, string> {
  private readonly value = valueState<{ readonly n: number; readonly set: Set<number> }>('value');
  private readonly list = listState<number>('list');
  private readonly map = mapState<number, number>('map');
  private readonly ttlMap = mapState<number, number>('ttlMap', {
    ttl: { ttlMs: 40, update: 'onReadAndWrite', cleanup: { entriesPerAccess: 1 } },
  });
  private readonly ttlList = listState<number>('ttlList', { ttl: { ttlMs: 30, update: 'onReadAndWrite' } });
  private readonly total = reducingState<number>('total', { reduce: (a, b) => (a * 3 + b) % 1009 });
  /** Its accumulator is changed in place. */
  private readonly seen = aggregatingState<number, Map<number, number>, string>('seen', {
    aggregate: {
      createAccumulator: () => new Map(),
      add(counts, n) {
        counts.set(n, (counts.get(n) ?? 0) + 1);
        return counts;
      },
      getResult: (counts) => shownMap(counts),
    },
  });

  override onElement(row: Row, context: KeyedContext<number, string>): void {
    for (const op of row.ops) this.perform(op, context);
    if (row.poison) throw new Error('poison');
  }

  override onTimer(at: number, context: KeyedContext<number, string>): void {
    context.emit(`timer ${at} of ${context.key}: ${this.shown()}`);
  }

  private perform(op: Op, context: KeyedContext<number, string>): void {
    switch (op.kind) {
      case 'set':
        return this.value.set({ n: op.n, set: new Set([op.n]) });
      case 'grow': {
        const held = this.value.get();
        if (held === undefined) return;
        // In place, and put back: what a reader of state may do.
        held.set.add(held.set.size + 100);
        return this.value.set(held);
      }
      case 'list':
        return this.list.add(op.n);
      case 'replaceList':
        return this.list.set([...this.list.get(), 7].slice(-3));
      case 'item':
        return this.ttlList.add(op.n);
      case 'reduce':
        return this.total.add(op.n);
      case 'aggregate':
        return this.seen.add(op.n);
      case 'emit':
        return context.emit(`emitted ${op.n}`);
      case 'side':
        return context.side(odd, op.n);
      case 'mapSet':
        return this.map.set(op.at, op.n);
      case 'mapDelete':
        this.map.delete(op.at);
        return;
      case 'ttlSet':
        return this.ttlMap.set(op.at, op.n);
      case 'ttlDelete':
        this.ttlMap.delete(op.at);
        return;
      case 'timer':
        return context.timers.event(context.timestamp + op.n);
      case 'deleteTimer':
        return context.timers.deleteEvent(context.timestamp + op.n);
      case 'processing':
        return context.timers.processing(context.currentProcessingTime + op.n);
      case 'clear':
        return this[op.what].clear();
      default:
        return context.emit(`${context.key}: ${this.shown()}`);
    }
  }

  private shown(): string {
    const { value, list, map, ttlMap, ttlList, total, seen } = this;
    const held = value.get();
    return [
      held === undefined ? 'none' : `${held.n} {${[...held.set].join(' ')}}`,
      `[${list.get().join(' ')}]`,
      `(${shownMap(map.entries())}) ${map.size}`,
      `ttl (${shownMap(ttlMap.entries())})`,
      `ttl [${ttlList.get().join(' ')}]`,
      total.get() ?? 'nothing',
      seen.get() ?? 'unseen',
    ].join(' | ');
  }
}

const small = fc.integer({ min: 0, max: 5 });
const op: fc.Arbitrary<Op> = fc.oneof(
  fc.record({
    kind: fc.constantFrom(
      'set' as const,
      'list' as const,
      'reduce' as const,
      'aggregate' as const,
      'emit' as const,
      'side' as const,
      'item' as const,
    ),
    n: small,
  }),
  fc.record({
    kind: fc.constantFrom('mapSet' as const, 'mapDelete' as const, 'ttlSet' as const, 'ttlDelete' as const),
    at: small,
    n: small,
  }),
  fc.record({
    kind: fc.constantFrom('timer' as const, 'deleteTimer' as const, 'processing' as const),
    n: small,
  }),
  fc.record({
    kind: fc.constant('clear' as const),
    what: fc.constantFrom(
      'value' as const,
      'list' as const,
      'map' as const,
      'ttlMap' as const,
      'total' as const,
      'seen' as const,
      'ttlList' as const,
    ),
  }),
  fc.record({ kind: fc.constantFrom('show' as const, 'grow' as const, 'replaceList' as const) }),
);
const row: fc.Arbitrary<Row> = fc.record({
  key: fc.integer({ min: 0, max: 2 }),
  ops: fc.array(op, { maxLength: 6 }),
  poison: fc.boolean(),
});
export const step = fc.oneof(
  { arbitrary: fc.record({ kind: fc.constant('row' as const), row }), weight: 6 },
  {
    arbitrary: fc.record({ kind: fc.constant('tick' as const), by: fc.integer({ min: 0, max: 25 }) }),
    weight: 2,
  },
);

export type Step = { kind: 'row'; row: Row } | { kind: 'tick'; by: number };

export function scriptOf(steps: readonly Step[], keep: (row: Row) => boolean): OperatorStep[] {
  let [time, wall] = [0, 0];
  const script: OperatorStep[] = [];
  for (const each of steps) {
    if (each.kind === 'row') {
      time += 1;
      if (keep(each.row)) script.push(record(each.row, time));
    } else {
      wall += each.by;
      script.push(clock(wall), watermark(time - 1));
    }
  }
  return [...script, END];
}

/** Timers of one time ring in the order in which keys set them, and a key whose timer came back is last: results by key. */
export function byKey(outputs: readonly OperatorOutput[]): Record<string, OperatorOutput[]> {
  const found: Record<string, OperatorOutput[]> = {};
  for (const output of outputs) {
    const of =
      output.kind === 'record' ? (/^timer \S+ of (\d)/.exec(String(output.value))?.[1] ?? '') : output.kind;
    found[of] = [...(found[of] ?? []), output];
  }
  return found;
}
