// Bytes that earlier versions wrote, read back: stored snapshots outlive the code that wrote them.
//
// If this fails, the change breaks every checkpoint and savepoint that users have. Raise CHUNK_VERSION, keep a reader for
// versions 1 and 2, and add bytes of the new version beside these.

import { expect, test } from 'vitest';
import { avg, count } from '../../src/operators/windows/aggregates.js';
import type { KeyedBackend } from '../../src/state/keyed-backend.js';
import { readChunk } from '../../src/state/snapshot-reading.js';
import { finish, testBackend, withKey } from './backends.js';

const FULL = `
AQAAAEmSANRyQJeob3BlcmF0b3Knc3VidGFza6Rmcm9tonRvrm1heFBhcmFsbGVsaXNtqmNoZWNrcG9pbnSkZnVsbKJvcAAAzH/M
gAHDAAAAaJUBrHRpbWVycy9ldmVudKtldmVudFRpbWVyc8LcABiRAJGhYcCRAZEBwJECkaMAQjLAkQORw8CRBJGuAG8xOjE6eGEy
OnpkNTvAkQWRogBOwJEGkaoASiJcdWQ4MDAiwJEHkaMAcwDAAAAAgpUBsXRpbWVycy9wcm9jZXNzaW5nsHByb2Nlc3NpbmdUaW1l
cnPC3AAYkwAACpGhYcCTAQAKkQHAkwIACpGjAEIywJMDAAqRw8CTBAAKka4AbzE6MTp4YTI6emQ1O8CTBQAKkaIATsCTBgAKkaoA
SiJcdWQ4MDAiwJMHAAqRowBzAMAAAAE4lQGldmFsdWWldmFsdWXCk8CYoWEBowBCMsOuAG8xOjE6eGEyOnpkNTuiAE6qAEoiXHVk
ODAwIqMAcwCY1HJAk6VpbmRleKNiaWeiYXQA2EIAAAAAAAAAQAAAAAAAAAAA1v8AAAAAQAHYQgAAAAAAAABAAAAAAAAAAADX/wA9
CQAAAAAAQALYQgAAAAAAAABAAAAAAAAAAADX/wB6EgAAAAAAQAPYQgAAAAAAAABAAAAAAAAAAADX/wC3GwAAAAAAQATYQgAAAAAA
AABAAAAAAAAAAADX/wD0JAAAAAAAQAXYQgAAAAAAAABAAAAAAAAAAADX/wExLQAAAAAAQAbYQgAAAAAAAABAAAAAAAAAAADX/wFu
NgAAAAAAQAfYQgAAAAAAAABAAAAAAAAAAADX/wGrPwAAAAAAAAAAapUBpGxpc3SkbGlzdMKTwJihYQGjAEIyw64AbzE6MTp4YTI6
emQ1O6IATqoASiJcdWQ4MDAiowBzAJiSAKN0d2+SAaN0d2+SAqN0d2+SA6N0d2+SBKN0d2+SBaN0d2+SBqN0d2+SB6N0d28AAAC3
lQGjbWFwo21hcMLcABihYZKjb25lpwBhMTpuMjuSAAABkqNvbmWnAGExOm4yO5IBAaMAQjKSo29uZacAYTE6bjI7kgICw5Kjb25l
pwBhMTpuMjuSAwOuAG8xOjE6eGEyOnpkNTuSo29uZacAYTE6bjI7kgQEogBOkqNvbmWnAGExOm4yO5IFBaoASiJcdWQ4MDAikqNv
bmWnAGExOm4yO5IGBqMAcwCSo29uZacAYTE6bjI7kgcHAAAARZUBo3N1bahyZWR1Y2luZ8KTwJihYQGjAEIyw64AbzE6MTp4YTI6
emQ1O6IATqoASiJcdWQ4MDAiowBzAJgAAQIDBAUGBwAAAGCVAaVmcmVzaKV2YWx1ZcOTwJihYQGjAEIyw64AbzE6MTp4YTI6emQ1
O6IATqoASiJcdWQ4MDAiowBzAJjUckCSomF0pXZhbHVlBwBABwFABwJABwNABwRABwVABwZABwcAAACQlQGnd2luZG93c6Z3aW5k
b3fClpIACpihYQGjAEIyw64AbzE6MTp4YTI6emQ1O6IATqoASiJcdWQ4MDAiowBzAJjUckCRpWluZGV4AEABQAJAA0AEQAVABkAH
kgoUmKFhAaMAQjLDrgBvMToxOnhhMjp6ZDU7ogBOqgBKIlx1ZDgwMCKjAHMAmAABAgMEBQYH
`;

const INCREMENT = `
AQAAAEmSANRyQJeob3BlcmF0b3Knc3VidGFza6Rmcm9tonRvrm1heFBhcmFsbGVsaXNtqmNoZWNrcG9pbnSkZnVsbKJvcAAAzH/M
gALCAAAAFZUCpXZhbHVlpXZhbHVlwpPAkaFhwAAAABSVAqNtYXCjbWFwwpOhYZGjb25lwAAAACOVAqx0aW1lcnMvZXZlbnSrZXZl
bnRUaW1lcnPCk5EAkaFhwAAAABiVAqd3aW5kb3dzpndpbmRvd8KTkgoUwMAAAAAYlQGjc3VtqHJlZHVjaW5nwpPAkaFhkcxk
`;

/** With shapes: aggregating state "a" that holds `count`. */
const SHAPED = `
AgAAAGySANRyQJiob3BlcmF0b3Knc3VidGFza6Rmcm9tonRvrm1heFBhcmFsbGVsaXNtqmNoZWNrcG9pbnSmc2hhcGVzpGZ1bGyib3AA
AMx/zIABgaFh1HJBkqVzaGFwZadzZXR0aW5npWNvdW50wMMAAAAYlQGhYathZ2dyZWdhdGluZ8KTwJGha5EC
`;

const KEYS = ['a', 1, 2n, true, { x: [null, new Date(5)] }, Number.NaN, '\ud800', '\u0000'];

function states(backend: KeyedBackend) {
  return {
    value: backend.value<unknown>('value'),
    list: backend.list<unknown>('list'),
    map: backend.map<unknown, unknown>('map'),
    sum: backend.reducing<number>('sum', { reduce: (a, b) => a + b }),
    fresh: backend.value<unknown>('fresh', { ttl: 100 }),
    windows: backend.windows<unknown>('windows'),
    timers: backend.timers,
  };
}

/** What the bytes hold. Also how they were made. */
function write(): Uint8Array[][] {
  const backend = testBackend({ clock: { nowMs: 7 } });
  const { value, list, map, sum, fresh, windows, timers } = states(backend);
  for (const [index, key] of KEYS.entries()) {
    backend.setKey(key);
    value.set({ index, big: 2n ** 70n, at: new Date(index) });
    list.set([index, 'two']);
    map.set('one', index);
    map.set([2], index);
    sum.add(index);
    fresh.set(index);
    windows.put(0, 10, { index });
    windows.put(10, 20, index);
    timers.registerEvent(index);
    timers.registerProcessing(index, { start: 0, end: 10 });
  }
  const full = finish(backend.beginSnapshot({ checkpoint: 1, baseCheckpoint: null }));
  backend.onCheckpointComplete(1);
  backend.setKey('a');
  value.clear();
  map.delete('one');
  timers.deleteEvent(0);
  windows.drop(10, 20);
  sum.add(100);
  return [full, finish(backend.beginSnapshot({ checkpoint: 2, baseCheckpoint: 1 }))];
}

function bytesOf(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text.replaceAll('\n', ''), 'base64'));
}

function dump(segments: readonly (readonly Uint8Array[])[]) {
  const clock = { nowMs: 106 };
  const backend = testBackend({ clock });
  backend.restore(segments);
  const { value, list, map, sum, fresh, windows, timers } = states(backend);
  const byKey = KEYS.map((key) =>
    withKey(backend, key, () => [
      value.get(),
      list.get(),
      [...map.entries()],
      sum.get(),
      fresh.get(),
      windows.get(0, 10)?.value,
      windows.get(10, 20)?.value,
    ]),
  );
  const fired: unknown[] = [];
  const fire = (...timer: unknown[]): void => {
    fired.push(timer);
  };
  timers.advanceEvent(100, fire, () => false);
  timers.advanceProcessing(100, fire, () => false);
  clock.nowMs = 107;
  const expired = withKey(backend, 1, () => fresh.get());
  return { byKey, fired, expired, windows: windows.windows() };
}

test('version 1 can be read', () => {
  const read = dump([[bytesOf(FULL)], [bytesOf(INCREMENT)]]);
  expect(read.windows).toEqual([{ start: 0, end: 10 }]);
  expect(read.fired).toHaveLength(2 * KEYS.length - 1);
  expect(read.byKey[0]).toEqual([undefined, [0, 'two'], [[[2], 0]], 100, 0, { index: 0 }, undefined]);
  expect(read).toEqual(dump(write()));
});

test('chunks that say what their states are like can be read, and refuse another aggregate', () => {
  const backend = testBackend();
  backend.restore([[bytesOf(SHAPED)]]);
  expect(() => backend.aggregating('a', { aggregate: avg(Number) })).toThrow(/declared as avg; .* has count/);
  const sums = backend.aggregating('a', { aggregate: count() });
  expect(withKey(backend, 'k', () => sums.get())).toBe(2);
});

test('where nothing has a shape, what is written is what version 1 wrote', () => {
  const [full, increment] = write();
  expect(full?.map((chunk) => readChunk(chunk))).toEqual([readChunk(bytesOf(FULL))]);
  expect(increment?.map((chunk) => readChunk(chunk))).toEqual([readChunk(bytesOf(INCREMENT))]);
});
