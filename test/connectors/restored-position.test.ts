// Splits and positions from a savepoint that somebody has changed: refused by name, and nothing is opened with them.

import { describe, expect, test } from 'vitest';
import { ConnectorError } from '../../src/base/errors.js';
import { SKIP_BURST_RECORDS } from '../../src/base/limits.js';
import { arraySource, iterableSource } from '../../src/connectors/array-source.js';
import { asyncIterableSource } from '../../src/connectors/async-source.js';
import { fileLines } from '../../src/connectors/file-lines.js';
import { BEGINNING, type FilePosition, markOf } from '../../src/connectors/file-mark.js';
import { generator } from '../../src/connectors/generator.js';
import { tcpLines } from '../../src/connectors/tcp-lines.js';
import type { Source, SourceSplit } from '../../src/operators/source.js';
import { virtualRuntime } from '../../src/testing/virtual-runtime.js';
import { SourceProbe } from './source-probe.js';

const LOG = '/logs/app.log';
const SECRET = '/etc/secret';

function machine() {
  const runtime = virtualRuntime({ seed: 1 });
  runtime.disk.write(LOG, 'one\ntwo\nthree\n');
  runtime.disk.write(SECRET, 'password\n');
  return runtime;
}

/** Opens at a split that the type of the source does not allow. */
async function opened<T, P>(source: Source<T, P>, id: string, position: unknown): Promise<SourceProbe<T, P>> {
  const split = { id, position } as SourceSplit<P>;
  return new SourceProbe(source, machine()).open([split]);
}

async function expectRefused(opening: Promise<unknown>, words: string): Promise<void> {
  const error: unknown = await opening.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ConnectorError);
  expect(error).toMatchObject({ unrecoverable: true, operator: expect.any(String), subtask: 0 });
  expect((error as ConnectorError).message).toContain(words);
  expect((error as ConnectorError).remedy).toMatch(/^Restore with|^The checkpoint was made/);
}

const head = new TextEncoder().encode('one\n');
const afterOne: FilePosition = { offset: 4, identity: null, head: markOf(head), tail: markOf(head) };

describe('fileLines', () => {
  test('a position that it has stored is taken', async () => {
    const probe = await opened(fileLines(LOG), LOG, afterOne);
    expect(await probe.readAvailable()).toEqual(['two', 'three']);
  });

  test.each([SECRET, '/logs/../etc/secret', '../etc/secret', '', '/logs/app.log/', `${LOG}\u0000`])(
    'a path that the job does not name is never opened: %j',
    async (path) => {
      await expectRefused(opened(fileLines(LOG), path, BEGINNING), 'is not one of its own: ');
      const fromEnd = fileLines(LOG, { follow: true, start: 'end' });
      await expectRefused(opened(fromEnd, path, { ...BEGINNING, offset: -1 }), 'is not one of its own: ');
    },
  );

  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['a number', 4],
    ['an offset before the beginning', { ...afterOne, offset: -2 }],
    ['half a byte', { ...afterOne, offset: 3.5 }],
    ['no number', { ...afterOne, offset: Number.NaN }],
    ['an offset that is endless', { ...afterOne, offset: Number.POSITIVE_INFINITY }],
    ['an offset that is no number', { ...afterOne, offset: '4' }],
    ['a file that is no text', { ...afterOne, identity: 7 }],
    ['no mark', { offset: 4, identity: null }],
    ['a mark over nothing', { ...afterOne, head: BEGINNING.head }],
    ['a mark over more than was read', { ...afterOne, tail: { ...afterOne.tail, bytes: 5 } }],
    ['a mark over a gigabyte', { ...afterOne, offset: 2 ** 40, head: { bytes: 2 ** 30, checksum: 1 } }],
    ['a mark over less than nothing', { ...afterOne, tail: { ...afterOne.tail, bytes: -1 } }],
    ['a checksum that is no number', { ...afterOne, head: { bytes: 4, checksum: 'x' } }],
  ])('a position that is %s is refused', async (_what, position) => {
    await expectRefused(opened(fileLines(LOG), LOG, position), 'expected a place in a file with its marks');
  });
});

const hostileCounts = [
  undefined,
  null,
  '3',
  -1,
  0.5,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  2 ** 60,
  3n,
  [],
  {},
];
const counting: readonly (readonly [string, string, () => Source<unknown, number>])[] = [
  ['arraySource', 'all', () => arraySource([1, 2, 3])],
  ['iterableSource', 'all', () => iterableSource(new Set([1, 2, 3]))],
  ['an iterator', 'all', () => iterableSource([1, 2, 3].values())],
  ['asyncIterableSource', 'all', () => asyncIterableSource(async function* () {})],
  ['tcpLines', 'connection', () => tcpLines({ host: 'localhost', port: 7 })],
];

describe.each(counting)('%s', (_name, split, source) => {
  test.each(hostileCounts)('a position that is %s is refused', async (position) => {
    await expectRefused(opened(source(), split, position), 'expected a number of records');
  });

  test('a split that it does not have is refused', async () => {
    await expectRefused(opened(source(), '/etc/secret', 0), 'is not one of its own');
  });
});

describe('generator', () => {
  const numbers = () => generator({ seed: 1, make: (seq) => seq });

  test.each(hostileCounts)('a position that is %s is refused', async (position) => {
    await expectRefused(opened(numbers(), '0/16x256', position), 'expected a number of records');
  });

  test.each(['', 'all', '16/16x256', '0/16x0', '0/16x99999999', '0/9007199254740991x256', '-1/16x1'])(
    'the lane %j is refused',
    async (lane) => {
      await expectRefused(opened(numbers(), lane, 0), 'A generator has lanes');
    },
  );

  test('a number that cannot be counted on from is refused', async () => {
    await expectRefused(opened(numbers(), '0/16x256', Number.MAX_SAFE_INTEGER), 'A generator has lanes');
  });
});

test('a position far behind all that an endless iterable can give does not keep a job from stopping', async () => {
  let given = 0;
  const endless = {
    *[Symbol.iterator]() {
      for (;;) {
        given += 1;
        yield given;
      }
    },
  };
  const runtime = machine();
  const abort = new AbortController();
  runtime.dispatch(() => abort.abort());
  const probe = new SourceProbe(iterableSource(endless), runtime, abort.signal);
  await probe.open([{ id: 'all', position: Number.MAX_SAFE_INTEGER }]);
  expect(given).toBeLessThanOrEqual(2 * SKIP_BURST_RECORDS);
});
