// Mutants of time to live, maps and lists.

import type { Mutant } from './mutant.js';

export const VALUE_MUTANTS: readonly Mutant[] = [
  {
    name: 'ttl-one-ms-longer',
    title: 'State expires one millisecond late.',
    from: 'semantics 4.8',
    oracles: ['O2'],
    file: 'src/state/ttl.ts',
    find: 'return addTime(stamped.at, this.ttlMs) <= nowMs;',
    replace: 'return addTime(stamped.at, this.ttlMs) < nowMs;',
  },
  {
    name: 'ttl-not-refreshed-by-reading',
    title: 'Reading does not refresh, although that was asked for.',
    from: 'semantics 4.9',
    oracles: ['O2'],
    file: 'src/state/ttl.ts',
    find: 'if (this.refreshesOnRead && stamped.at !== nowMs) {',
    replace: 'if (this.refreshesOnRead && stamped.at === nowMs) {',
  },
  {
    name: 'ttl-of-whole-list',
    title: 'A list expires as a whole: its old elements live as long as its newest.',
    from: 'semantics 4.11',
    oracles: ['O2'],
    file: 'src/state/ttl.ts',
    find: `    const live = items.filter((item) => !this.isExpired(item, nowMs));
    const refreshed`,
    replace: `    const live = items.some((item) => !this.isExpired(item, nowMs)) ? items : [];
    const refreshed`,
  },
  {
    name: 'ttl-prunes-what-lives',
    title: 'A full snapshot leaves out what is about to expire: after a restore it is gone too early.',
    from: 'semantics 4.12',
    oracles: ['O2', 'O4'],
    file: 'src/state/ttl.ts',
    find: 'return this.isExpired(image as Stamped, nowMs) ? PRUNED : image;',
    replace: 'return this.isExpired(image as Stamped, nowMs + 5) ? PRUNED : image;',
  },
  {
    name: 'ttl-refresh-not-in-increments',
    title: 'A read that refreshes is in no increment: after a restore state expires by its old stamp.',
    from: 'semantics 4.13, 5.16',
    oracles: ['O2', 'O4'],
    file: 'src/state/ttl.ts',
    find: `      if (entry.epoch !== core.epoch || core.undo !== null) core.change(entry);
      entry.value = { at: nowMs, value: stamped.value };`,
    replace: '      entry.value = { at: nowMs, value: stamped.value };',
  },
  {
    name: 'ttl-sweep-through-cleared',
    title:
      'The sweep goes on through a map that was cleared, and takes new entries of the same keys with it.',
    from: 'semantics 4.12',
    oracles: ['O2'],
    file: 'src/state/ttl.ts',
    find: 'if (this.space !== null && this.entries !== null && !this.space.gone) {',
    replace: 'if (this.space !== null && this.entries !== null) {',
  },
  {
    name: 'ttl-writing-does-not-refresh',
    title: 'Adding to an aggregate does not refresh it: it expires in use.',
    from: 'semantics 4.9',
    oracles: ['O2'],
    file: 'src/state/value-cell.ts',
    find: 'const stored = ttl === null ? value : ttl.stamp(value);',
    replace: `const stored =
      ttl === null
        ? value
        : entry === undefined || ttl.refreshesOnRead
          ? ttl.stamp(value)
          : { at: (entry.value as Stamped).at, value };`,
  },
  {
    name: 'map-clear-not-in-increments',
    title:
      'A map that was made in the epoch before and is cleared comes back after a restore: increments do not say that it is gone.',
    from: 'semantics 5.16, 4.4',
    oracles: ['O2', 'O4'],
    file: 'src/state/table.ts',
    find: 'if (space.born !== host.epoch) host.noteRemoval(this, space.namespace, null);',
    replace: 'if (space.born < host.epoch - 1) host.noteRemoval(this, space.namespace, null);',
  },
  {
    name: 'map-clear-empties-snapshot',
    title: 'A map that is cleared while a snapshot is written is missing in the snapshot.',
    from: 'rule S1 of keyed-snapshot.ts',
    oracles: ['O2', 'O4'],
    file: 'src/state/table.ts',
    find: 'if (host.capture !== null) host.capture.orphan(space);',
    replace: 'if (host.capture !== null && space.size === 1) host.capture.orphan(space);',
  },
  {
    name: 'map-clear-miscounts',
    title: 'Clearing a map counts one entry as gone, however many it had.',
    from: 'the count of entries decides whether an increment pays',
    oracles: ['O2'],
    file: 'src/state/table.ts',
    find: 'host.liveEntries -= space.size;',
    replace: 'host.liveEntries -= Math.min(1, space.size);',
  },
  {
    name: 'removal-takes-newer-entry',
    title: 'The removals of an increment also take what was put there after the removal.',
    from: 'semantics 5.16',
    oracles: ['O2', 'O4'],
    file: 'src/state/keyed-restore.ts',
    find: 'if (entry !== undefined && entry.epoch < this.core.epoch) table.remove(entry);',
    replace: 'if (entry !== undefined && entry.epoch <= this.core.epoch) table.remove(entry);',
  },
  {
    name: 'cleared-map-back-in-part',
    title: 'After a restore a cleared map still has the entries whose own keys lie in other key groups.',
    from: 'semantics 5.16, 4.4',
    oracles: ['O2', 'O4'],
    file: 'src/state/keyed-restore.ts',
    find: "table.kind === 'map' || isInRange(",
    replace: 'isInRange(',
  },
  {
    name: 'change-of-last-epoch-unmarked',
    title:
      'A value that changed in the epoch before is not marked as changed again: increments keep its older one.',
    from: 'semantics 5.16',
    oracles: ['O2', 'O4'],
    file: 'src/state/table.ts',
    find: `    if (entry.epoch !== host.epoch || host.undo !== null) host.change(entry);
    entry.value = value;`,
    replace: `    if (entry.epoch < host.epoch - 1 || host.undo !== null) host.change(entry);
    entry.value = value;`,
  },
  {
    name: 'list-added-before',
    title: 'Several elements that are added at once to a list that is there are added in reverse.',
    from: 'semantics 4.3: the order of a list',
    oracles: ['O2'],
    file: 'src/state/list-state.ts',
    find: 'for (const item of items) own.push(item);',
    replace: 'for (const item of items.reverse()) own.push(item);',
  },
  {
    name: 'list-restored-short',
    title: 'A restored list of more than four elements lacks its last one.',
    from: 'semantics 4.3',
    oracles: ['O2', 'O4'],
    file: 'src/state/keyed-restore.ts',
    find: '    return new ListCell(items);',
    replace: '    return new ListCell(items.length > 4 ? items.slice(0, -1) : items);',
  },
  {
    name: 'reduced-in-reverse',
    title: 'A reducing state gives the new value first: what is no commutative function comes out wrong.',
    from: 'semantics 4.5',
    oracles: ['O2'],
    file: 'src/state/folding-state.ts',
    find: 'this.reduce(this.owned(stored), value)',
    replace: 'this.reduce(value, this.owned(stored))',
  },
  {
    name: 'map-empty-while-it-lives',
    title: 'A map says that it is empty when it has one entry.',
    from: 'semantics 4.4',
    oracles: ['O2'],
    file: 'src/state/map-state.ts',
    find: 'return this.size === 0;',
    replace: 'return this.size <= 1;',
  },
];
