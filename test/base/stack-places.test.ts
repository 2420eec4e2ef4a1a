// Frames of Weir are told from those of the user, in whatever form a host writes them.

import { describe, expect, test } from 'vitest';
import { StackPlaces, stackPlaces } from '../../src/base/stack-places.js';

const api = new URL('../../src/api/data-stream.ts', import.meta.url);
const actors = new URL('../../actors/run.ts', import.meta.url);

function stack(...frames: string[]): string {
  return ['Error: stack', ...frames.map((frame) => `    at ${frame}`)].join('\n');
}

const PACKAGED = new StackPlaces('file:///app/node_modules/weirjs/dist/src/base/stack-places.js');
const BUNDLED = new StackPlaces('file:///app/out/bundle.mjs');

describe('the caller of Weir', () => {
  test('is the first frame outside of it, given as a path or as a URL', () => {
    const ours = [
      `DataStream.map (${api.href}:10:3)`,
      `build (${decodeURIComponent(api.pathname)}:4:1)`,
      `run (${actors.href}:1:1)`,
    ];
    const caller = (frame: string): string | undefined => stackPlaces.callerIn(stack(...ours, frame));
    expect(caller('file:///app/job.js:3:5')).toBe('/app/job.js:3:5');
    expect(caller('define (/app/my jobs/job.ts:30:15)')).toBe('/app/my jobs/job.ts:30:15');
    expect(caller('/app (copy)/job.ts:30:15')).toBe('/app (copy)/job.ts:30:15');
    expect(caller('define (/app (copy)/job.ts:30:15)')).toBe('/app (copy)/job.ts:30:15');
    expect(caller('async file:///app/a%20b.js?t=1:3:5')).toBe('/app/a b.js:3:5');
    expect(caller('Object.<anonymous> (file:///C:/app/job.js:3:5)')).toBe('C:/app/job.js:3:5');
    expect(caller('new Job (C:\\app\\job.js:3:5)')).toBe('C:/app/job.js:3:5');
  });

  test('is not inside Node, and not made up', () => {
    expect(stackPlaces.callerIn(stack('node:internal/modules/run:2:1', 'file:///app/job.js:3:5'))).toBe(
      '/app/job.js:3:5',
    );
    expect(stackPlaces.callerIn(stack(`map (${api.href}:10:3)`, 'Array.map (<anonymous>)'))).toBeUndefined();
    expect(stackPlaces.callerIn('map@http://app/job.js')).toBeUndefined();
    expect(stackPlaces.callerIn(undefined)).toBeUndefined();
  });

  test.each([
    ['the package as it is', PACKAGED, '/app/node_modules/weirjs/dist/src/api/data-stream.js'],
    ['the package under source maps', PACKAGED, '/app/node_modules/weirjs/src/api/data-stream.ts'],
    ['its actors under source maps', PACKAGED, 'file:///app/node_modules/weirjs/actors/run.ts'],
    ['the source map of a bundle', BUNDLED, 'webpack://app/./node_modules/weirjs/dist/src/api/x.js'],
    [
      'a path of Windows in other letters',
      new StackPlaces('file:///C:/App/node_modules/w/dist/src/base/stack-places.js'),
      'c:\\app\\node_modules\\w\\dist\\src\\api\\x.js',
    ],
    [
      'a linked package under source maps',
      new StackPlaces('file:///code/weir/dist/src/base/stack-places.js'),
      '/code/weir/src/api/data-stream.ts',
    ],
  ])('is not in %s', (_name, places, path) => {
    expect(places.callerIn(stack(`map (${path}:1:1)`, 'build (/app/job.ts:3:5)'))).toBe('/app/job.ts:3:5');
  });

  test('is what stands beside Weir, not what is of it', () => {
    const sources = new StackPlaces('file:///code/weir/src/base/stack-places.ts');
    expect(sources.callerIn(stack('/code/weir/src/api/x.ts:1:1', '/code/weir/examples/a.ts:2:2'))).toBe(
      '/code/weir/examples/a.ts:2:2',
    );
    const inDist = new StackPlaces('file:///dist/src/base/stack-places.ts');
    expect(inDist.callerIn(stack('/dist/src/api/x.ts:1:1', '/src/job.ts:2:2'))).toBe('/src/job.ts:2:2');
  });
});

describe('the line that threw', () => {
  const ours = `chain (${api.href}:10:3)`;
  const generated = `eval (eval at compile (${api.href}:3:4), <anonymous>:7:2)`;

  test('is that of the user, not that of the library that it called', () => {
    const frames = ['parse (/app/node_modules/zod/index.js:1:1)', 'map (/app/job.ts:9:9)', generated, ours];
    expect(stackPlaces.throwerIn(stack(...frames))).toBe('/app/job.ts:9:9');
    expect(stackPlaces.throwerIn(stack('parse (/app/node_modules/lib/index.js:1:1)', ours))).toBe(
      '/app/node_modules/lib/index.js:1:1',
    );
  });

  test('is the call of Weir that Weir refused', () => {
    expect(
      stackPlaces.throwerIn(stack(ours, 'onElement (/app/job.ts:9:9)', ours, 'x (/app/main.ts:1:1)')),
    ).toBe('/app/job.ts:9:9');
  });

  test('is nowhere when Weir has thrown on its own', () => {
    const nact = 'handle (/app/node_modules/nact/lib/index.js:1:1)';
    expect(stackPlaces.throwerIn(stack(generated, ours, nact, 'node:internal/timers:3:3'))).toBeUndefined();
  });
});
