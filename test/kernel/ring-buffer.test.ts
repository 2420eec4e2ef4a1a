// The ring under every lane behaves as an array does.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RingBuffer } from '../../actors/kernel/ring-buffer.js';

type Deed = 'push' | 'unshift' | 'shift' | 'pop';

test('entries come out as from an array, whatever the order of filling and taking', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom<Deed[]>('push', 'push', 'push', 'unshift', 'shift', 'pop'), {
        maxLength: 200,
      }),
      (deeds) => {
        const ring = new RingBuffer<number>();
        const model: number[] = [];
        deeds.forEach((deed, index) => {
          if (deed === 'push' || deed === 'unshift') {
            ring[deed](index);
            model[deed](index);
          } else if (model.length > 0) {
            expect(ring[deed]()).toBe(model[deed]());
          }
          expect(ring.length).toBe(model.length);
        });
        while (model.length > 0) expect(ring.shift()).toBe(model.shift());
      },
    ),
  );
});
