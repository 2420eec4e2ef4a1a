// The shapes of jobs that the simulation of the engine runs: a new operator joins with one line.
//
// Owns:    the list.
// Not:     what a shape is (shape.ts), its parts (shapes-*.ts).

import { assertUnique, type Shape } from './shape.js';
import { FILE_SHAPES } from './shapes-files.js';
import { POISON_SHAPES } from './shapes-poison.js';
import { STATE_SHAPES } from './shapes-state.js';
import { STREAM_SHAPES } from './shapes-streams.js';
import { TOGETHER_SHAPES, TOGETHER_WEIGHT } from './shapes-together.js';
import { WINDOW_SHAPES } from './shapes-windows.js';

export const SHAPES: readonly Shape[] = assertUnique([
  ...STREAM_SHAPES,
  ...STATE_SHAPES,
  ...WINDOW_SHAPES,
  ...FILE_SHAPES,
  ...POISON_SHAPES,
  ...TOGETHER_SHAPES,
]);

/** In the order in which seeds draw them. */
export const DRAWN_SHAPES: readonly Shape[] = [
  ...SHAPES,
  ...Array.from({ length: TOGETHER_WEIGHT - 1 }, () => TOGETHER_SHAPES).flat(),
];
