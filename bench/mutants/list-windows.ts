// Mutants of windows that reduce, process, slide, merge and come late.

import type { Mutant } from './mutant.js';

export const WINDOW_MUTANTS: readonly Mutant[] = [
  {
    name: 'slide-one-window-too-many',
    title: 'A record at the very end of a sliding window is in that window, too.',
    from: 'semantics 3.2: the end is exclusive',
    oracles: ['O17', 'O13'],
    file: 'src/operators/windows/aligned-window-operator.ts',
    find: '      start > timestamp - sizeMs;',
    replace: '      start >= timestamp - sizeMs;',
  },
  {
    name: 'partly-late-told-late',
    title: 'A record that is late for some of its windows goes to the late output, too.',
    from: 'semantics 3.8',
    oracles: ['O13'],
    file: 'src/operators/windows/aligned-window-operator.ts',
    find: 'if (live === 0 && windows > 0) lateness.divert(value, timestamp);',
    replace: 'if (live < windows) lateness.divert(value, timestamp);',
  },
  {
    name: 'late-record-fires-one-late',
    title: 'A late record does not fire its window again when the watermark stands at its last moment.',
    from: 'semantics 3.7',
    oracles: ['O13'],
    file: 'src/operators/windows/aligned-window-operator.ts',
    find: 'const fired = end - 1 <= lateness.reached;',
    replace: 'const fired = end - 1 < lateness.reached;',
  },
  {
    name: 'sessions-that-touch-stay-apart',
    title: 'Two records with exactly the gap between them are two sessions.',
    from: 'semantics 3.3',
    oracles: ['O17'],
    file: 'src/operators/windows/session-window-operator.ts',
    find: 'each.start <= end && timestamp <= each.end',
    replace: 'each.start <= end && timestamp < each.end',
  },
  {
    name: 'grown-session-stays-fired',
    title: 'A session that has fired and grows again never fires for what came after.',
    from: 'rule S3 of session-window-operator.ts',
    oracles: ['O13'],
    file: 'src/operators/windows/session-window-operator.ts',
    find: `    session.fired = last <= this.lateness.reached;
`,
    replace: `    session.fired ||= last <= this.lateness.reached;
`,
  },
  {
    name: 'session-gone-at-its-end',
    title: 'A session leaves when it fires, although late records are allowed.',
    from: 'semantics 3.7, 3.19',
    oracles: ['O13'],
    file: 'src/operators/windows/session-window-operator.ts',
    find: 'const gone = cleanup <= this.advancingTo;',
    replace: 'const gone = last <= this.advancingTo;',
  },
  {
    name: 'window-reduced-in-reverse',
    title: 'reduce on a window gives the new value first.',
    from: 'semantics 3.17',
    oracles: ['O17'],
    file: 'src/operators/windows/window-contents.ts',
    find: '(left === NONE ? right : reduce(left, right));',
    replace: '(left === NONE ? right : reduce(right, left));',
  },
  {
    name: 'earliest-window-missed',
    title: 'A window that opens before all that are there is not looked for when it is due.',
    from: 'rule of window-table.ts',
    oracles: ['O13', 'O17'],
    file: 'src/state/window-table.ts',
    find: '    if (end < this.earliest) this.earliest = end;',
    replace:
      '    if (end < this.earliest && this.earliest === Number.POSITIVE_INFINITY) this.earliest = end;',
  },
  {
    name: 'window-elements-newest-first',
    title: 'process on a window gets the element that came last in front.',
    from: 'semantics 3.16: order of arrival',
    oracles: ['O17'],
    file: 'src/operators/windows/window-contents.ts',
    find: `    (contents as unknown[]).push(value);
    return contents;`,
    replace: `    (contents as unknown[]).unshift(value);
    return contents;`,
  },
  {
    name: 'suspended-window-starts-over',
    title:
      'A window function that was suspended for lack of room goes on with the next key: the rest of its results is lost.',
    from: 'semantics X1: what is suspended goes on first',
    oracles: ['O17'],
    file: 'src/operators/windows/aligned-window-operator.ts',
    find: `    if (!contents.resume()) return false;
    firing.entries`,
    replace: `    if (contents.pending) contents.close();
    firing.entries`,
  },
];
