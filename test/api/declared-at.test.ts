import { describe, expect, test } from 'vitest';
import { declaredAt, placeIn } from '../../src/api/declared-at.js';

const api = new URL('../../src/api/data-stream.ts', import.meta.url);
const actors = new URL('../../actors/run.ts', import.meta.url);

function stack(...frames: string[]): string {
  return ['Error: stack', ...frames.map((frame) => `    at ${frame}`)].join('\n');
}

describe('the place of a declaration', () => {
  test('is the first frame outside of Weir, given as a path or as a URL', () => {
    const ours = [
      `DataStream.map (${api.href}:10:3)`,
      `build (${decodeURIComponent(api.pathname)}:4:1)`,
      `run (${actors.href}:1:1)`,
    ];
    expect(placeIn(stack(...ours, 'file:///app/job.js:3:5'))).toBe('/app/job.js:3:5');
    expect(placeIn(stack(...ours, 'define (/app/my jobs/job.ts:30:15)'))).toBe('/app/my jobs/job.ts:30:15');
    expect(placeIn(stack(...ours, 'async file:///app/a%20b.js?t=1:3:5'))).toBe('/app/a b.js:3:5');
    expect(placeIn(stack(...ours, 'Object.<anonymous> (file:///C:/app/job.js:3:5)'))).toBe(
      'C:/app/job.js:3:5',
    );
    expect(placeIn(stack(...ours, 'new Job (C:\\app\\job.js:3:5)'))).toBe('C:/app/job.js:3:5');
  });

  test('is not inside Node, and not made up', () => {
    expect(placeIn(stack('node:internal/modules/run:2:1', 'file:///app/job.js:3:5'))).toBe('/app/job.js:3:5');
    expect(placeIn(stack(`map (${api.href}:10:3)`, 'Array.map (<anonymous>)'))).toBeUndefined();
    expect(placeIn('map@http://app/job.js')).toBeUndefined();
    expect(placeIn(undefined)).toBeUndefined();
  });

  test('is this file when called from here', () => {
    expect(declaredAt()).toMatch(/\/test\/api\/declared-at\.test\.ts:\d+:\d+$/);
  });
});
