// A checkpoint whose values need classes that nobody has registered is refused by name, before anything starts.

import { expect, test } from 'vitest';
import { registerType } from '../../src/base/class-registry.js';
import { encode } from '../../src/base/codec.js';
import { RestoreError } from '../../src/base/errors.js';
import { assignState, type RestoringOperator } from '../../src/checkpoint/assignment.js';
import { manifest, operatorManifest, operatorSnapshot, segment } from './samples.js';

const planned = (uid: string): RestoringOperator => ({
  uid,
  name: `the ${uid}`,
  parallelism: 1,
  maxParallelism: 128,
  explicitMaxParallelism: false,
});

class Offset {
  readonly at: number;
  constructor(at: number) {
    this.at = at;
  }
}
registerType(Offset, { name: 'test/Offset', encode: ({ at }) => at, decode: (at) => new Offset(at) });

/** Bytes as a program wrote them that had registered the class under another name. */
function written(name: string): Uint8Array {
  const text = Buffer.from(encode(new Offset(7))).toString('latin1');
  return new Uint8Array(Buffer.from(text.replace('test/Offset', name), 'latin1'));
}

const stored = (types: readonly string[], item: Uint8Array) =>
  manifest({
    operators: [
      operatorManifest('totals', [
        operatorSnapshot('totals', {
          keyed: [
            { ...segment({ operator: 'totals' }), types: ['test/Offset'] },
            { ...segment({ operator: 'totals' }), types },
          ],
        }),
      ]),
      operatorManifest('in', [
        operatorSnapshot('in', {
          lists: [{ name: 'weir.splits', redistribution: 'split', items: [encode(1), item] }],
        }),
      ]),
    ],
  });

test('missing types are named with the operators whose state needs them, from any segment and from lists', () => {
  const plan = [planned('totals'), planned('in')];
  const restore = () =>
    assignState(stored(['test/Monet', 'test/Money'], written('test/Offsed')), plan, {
      allowNonRestoredState: false,
    });
  expect(restore).toThrow(RestoreError);
  expect(restore).toThrow(
    'the state of operator "the totals" with uid "totals" holds values of the types "test/Monet", "test/Money", which nobody has registered. Call registerType(',
  );
  expect(restore).toThrow(
    'operator "the in" with uid "in" holds values of the type "test/Offsed", which nobody has registered',
  );
});

test('registered types, and state that is left behind, are no obstacle', () => {
  expect(() =>
    assignState(stored(['test/Offset'], written('test/Offset')), [planned('totals'), planned('in')], {
      allowNonRestoredState: false,
    }),
  ).not.toThrow();
  expect(() =>
    assignState(stored(['test/Gone'], encode(1)), [planned('in')], { allowNonRestoredState: true }),
  ).not.toThrow();
});
