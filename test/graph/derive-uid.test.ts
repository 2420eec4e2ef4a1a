import { describe, expect, test } from 'vitest';
import { slug, uidsOf } from '../../src/graph/derive-uid.js';
import { byKey, main, Sketch } from './graph-fixture.js';

function uids(sketch: Sketch): string[] {
  return [...uidsOf(sketch.finish()).values()];
}

function chainOfThree(sketch: Sketch): Sketch {
  const source = sketch.source({ label: 'file access.log' });
  const mapped = sketch.map(source);
  const counted = sketch.process([byKey(mapped)]);
  sketch.sink(counted, { label: 'files out' });
  return sketch;
}

describe('derived uids', () => {
  test('never change from release to release: they are in checkpoints', () => {
    expect(uids(chainOfThree(new Sketch()))).toMatchInlineSnapshot(`
      [
        "source-aedf171f2b911e19",
        "map-e4b9a57902c0ca0e",
        "process-4e60d719006efc76",
        "sink-9503c4db802961f3",
      ]
    `);
  });

  test('do not depend on names, parallelism or chaining', () => {
    const changed = new Sketch('another job');
    const source = changed.source({ label: 'file access.log', name: 'log', parallelism: 3 });
    const mapped = changed.map(source, { name: 'parse', chaining: 'never' });
    const counted = changed.process([byKey(mapped)], { maxParallelism: 64 });
    changed.sink(counted, { label: 'files out', name: 'hits' });
    expect(uids(changed)).toEqual(uids(chainOfThree(new Sketch())));
  });

  test('stay when an independent branch is added, before, between or behind', () => {
    const alone = uids(chainOfThree(new Sketch()));
    const before = new Sketch();
    before.sink(before.map(before.source({ label: 'socket' })), { label: 'print' });
    expect(uids(chainOfThree(before)).slice(-4)).toEqual(alone);
    const behind = chainOfThree(new Sketch());
    behind.sink(behind.map(behind.source({ label: 'socket' })), { label: 'print' });
    expect(uids(behind).filter((uid) => alone.includes(uid))).toEqual(alone);
    const branched = new Sketch();
    const source = branched.source({ label: 'file access.log' });
    const mapped = branched.map(source);
    const counted = branched.process([byKey(mapped)]);
    branched.sink(branched.map(mapped), { label: 'print' });
    branched.sink(counted, { label: 'files out' });
    expect(uids(branched).filter((uid) => alone.includes(uid))).toEqual(alone);
  });

  test('change with what feeds the operator', () => {
    const shapes = new Set<string | undefined>();
    const feeds = [{ kind: 'default' }, { kind: 'rebalance' }, { kind: 'broadcast' }] as const;
    for (const partitioner of feeds) {
      const sketch = new Sketch();
      sketch.sink(sketch.process([main(sketch.source(), partitioner)]));
      shapes.add(uids(sketch)[1]);
    }
    expect(shapes.size).toBe(feeds.length);
  });

  test('hang on declared uids upstream, whatever feeds those', () => {
    const short = new Sketch();
    short.sink(short.map(short.process(short.source(), { uid: 'anchor' })));
    const long = new Sketch();
    long.sink(long.map(long.process(long.map(long.map(long.source())), { uid: 'anchor' })));
    expect(uids(long).slice(-2)).toEqual(uids(short).slice(-2));
  });

  test('tell apart operators that are alike', () => {
    const sketch = new Sketch();
    const source = sketch.source();
    sketch.sink(sketch.map(source));
    sketch.sink(sketch.map(source));
    sketch.sink(sketch.map(source));
    const all = uids(sketch);
    expect(new Set(all).size).toBe(all.length);
  });

  test('do not collide in a large graph', () => {
    const sketch = new Sketch();
    for (let index = 0; index < 5_000; index += 1)
      sketch.sink(sketch.source({ label: `s${index % 50}` }), { label: 'x' });
    const all = uids(sketch);
    expect(new Set(all).size).toBe(10_000);
  });

  test('are fit for file names', () => {
    expect(slug('window.aggregate')).toBe('window-aggregate');
    expect(slug('print /späte/')).toBe('print-sp-te');
    expect(slug('→')).toBe('operator');
  });
});
