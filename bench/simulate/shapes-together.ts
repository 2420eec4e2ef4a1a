// Shapes that are many shapes in one job.
//
// Owns:    which ones go together, and how often they are drawn.
// Not:     how (together.ts).

import { listsAndMaps } from './models-state.js';
import { assertUnique, type Shape } from './shape.js';
import { POISON_SHAPES } from './shapes-poison.js';
import { STATE_SHAPES } from './shapes-state.js';
import { behindEveryRow, WINDOW_SHAPES } from './shapes-windows.js';
import { together } from './together.js';

const KNOWN = [...STATE_SHAPES, ...WINDOW_SHAPES, ...POISON_SHAPES];

function named(...names: readonly string[]): readonly Shape[] {
  return names.map((name) => {
    const found = KNOWN.find((shape) => shape.name === name);
    if (found === undefined) throw new Error(`there is no shape ${name}`);
    return found;
  });
}

export const TOGETHER_SHAPES: readonly Shape[] = assertUnique([
  together(
    'allStates',
    { oracle: 'O2', splits: 1 },
    named('states', 'operations', 'count', 'takenBack', 'rolling', 'timers'),
  ),
  together(
    'allMaps',
    { oracle: 'O2', splits: 1, rows: listsAndMaps },
    named('maps', 'operations', 'states', 'takenBack'),
  ),
  together(
    'allWindows',
    { oracle: 'O17', splits: 1 },
    named(
      'tumbling',
      'sliding',
      'session',
      'windowReduce',
      'sessionReduce',
      'windowProcess',
      'takenOutOfWindows',
      'takenOutOfSessions',
    ),
  ),
  together(
    'allLate',
    { oracle: 'O13', ...behindEveryRow },
    named('late', 'lateProcess', 'lateSliding', 'lateSession'),
  ),
]);

/** How often each of them is drawn for once that another shape is. */
export const TOGETHER_WEIGHT = 2;
