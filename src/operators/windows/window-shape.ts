// What the state of windows is like, so that a job that was changed does not read it as something else.
//
// Owns:    the words for windows and what they hold, as a checkpoint records them.
// Not:     comparing them (src/state/state-shape.ts).
//
// S1. The kind of windows and what they hold are shape: of another kind, they are refused. Sizes, slides, offsets and gaps are
//     settings: windows that are there keep their bounds and fire, and records that come fall into windows of the new ones.

import { aggregateShape, type StateShape } from '../../state/state-shape.js';
import type { WindowAssigner } from './window-assigners.js';
import type { AnyContents } from './window-contents.js';

export function windowShape(assigner: WindowAssigner<never>, contents: AnyContents): StateShape {
  const [kind, setting] = describe(assigner);
  return { shape: `${kind} windows holding ${held(contents)}`, setting };
}

function describe(assigner: WindowAssigner<never>): readonly [kind: string, setting: string] {
  if (assigner.kind === 'session') {
    const { gapMs } = assigner;
    return ['session', typeof gapMs === 'number' ? `gap ${gapMs} ms` : 'a gap by record'];
  }
  const { sizeMs, slideMs, offsetMs } = assigner;
  const offset = offsetMs === 0 ? '' : `, offset ${offsetMs} ms`;
  return sizeMs === slideMs
    ? ['tumbling', `size ${sizeMs} ms${offset}`]
    : ['sliding', `size ${sizeMs} ms, slide ${slideMs} ms${offset}`];
}

function held(contents: AnyContents): string {
  switch (contents.kind) {
    case 'aggregate':
      return aggregateShape(contents.aggregate);
    case 'reduce':
      return 'a reduce';
    default:
      return 'all elements';
  }
}
