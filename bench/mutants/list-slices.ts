// Mutants of slices of snapshots, and of what is left when a slice ends.

import type { Mutant } from './mutant.js';

export const SLICE_MUTANTS: readonly Mutant[] = [
  {
    name: 'walk-loses-last-of-slice',
    title:
      'A snapshot leaves out the entry at which a slice ends: after a restore some keys have forgotten their state.',
    from: 'semantics 5.15: a slice may end anywhere',
    oracles: ['O2', 'O4'],
    file: 'src/state/keyed-snapshot.ts',
    find: `        used += WRITE_COST;
        this.writeEntry(entry);`,
    replace: `        used += WRITE_COST;
        if (used < budget || used === WRITE_COST) this.writeEntry(entry);`,
  },
  {
    name: 'handed-over-images-lost',
    title: 'Images of entries that changed behind the last table of a walk are not written.',
    from: 'rule T1 of table.ts',
    oracles: ['O2', 'O4'],
    file: 'src/state/keyed-snapshot.ts',
    find: `      this.writeHandedOver();
      this.walk(`,
    replace: `      if (this.space === null) this.writeHandedOver();
      this.walk(`,
  },
  {
    name: 'orphan-of-base-epoch-lost',
    title:
      'A map that is cleared during a snapshot, and changed last right behind the base, is missing in the increment.',
    from: 'rule S1 of keyed-snapshot.ts',
    oracles: ['O2', 'O4'],
    file: 'src/state/keyed-snapshot.ts',
    find: 'space.born < this.epoch && space.epoch >= this.since',
    replace: 'space.born < this.epoch && space.epoch > this.since + 1',
  },
  {
    name: 'first-epoch-after-base-lost',
    title: 'An increment leaves out what changed in the first epoch behind its base.',
    from: 'rule E1 of state-core.ts',
    oracles: ['O2', 'O4'],
    file: 'src/state/keyed-snapshot.ts',
    find: 'return entry.epoch < this.epoch && entry.epoch >= this.since && entry.mark !== this.epoch;',
    replace:
      'return entry.epoch < this.epoch && (this.since === 0 || entry.epoch > this.since) && entry.mark !== this.epoch;',
  },
  {
    name: 'last-removal-of-slice-lost',
    title:
      'An increment leaves out the last removal when a slice ends right before it: what was cleared comes back.',
    from: 'semantics 5.16',
    oracles: ['O2', 'O4'],
    file: 'src/state/keyed-snapshot.ts',
    find: '    if (phase.at >= to) {',
    replace: '    if (phase.at >= to || (used >= budget && phase.at === to - 1)) {',
  },
  {
    name: 'list-image-by-reference',
    title:
      'The image of a list is handed over without a copy: what is added to it during the snapshot is in the snapshot, and is added again.',
    from: 'rule S1 of keyed-snapshot.ts',
    oracles: ['O2', 'O4'],
    file: 'src/state/keyed-snapshot.ts',
    find: 'const copied = copyOf(image);',
    replace: "const copied = table.kind === 'list' ? image : copyOf(image);",
  },
  {
    name: 'waiting-chunk-lost',
    title: 'Of the chunks that wait for room in the store one is lost: the checkpoint is never complete.',
    from: 'rule W5 of snapshots.ts',
    oracles: ['O7'],
    file: 'src/task/snapshots.ts',
    find: 'const chunks = run.waiting.splice(0, room);',
    replace: 'const chunks = run.waiting.splice(0, room + 1).slice(0, room);',
  },
  {
    name: 'removal-log-given-up-bases-kept',
    title:
      'A log of removals that has become too long is emptied, and increments go on without it: what was cleared comes back.',
    from: 'rule R1 of removals.ts',
    oracles: ['O2', 'O4'],
    file: 'src/state/state-core.ts',
    find: '      this.forgetBases();',
    replace: '      this.removals.clear();',
  },
  {
    name: 'walk-skips-small-spaces',
    title: 'A snapshot passes over a map that has one entry when it is changed right behind the base.',
    from: 'rule E1 of state-core.ts',
    oracles: ['O2', 'O4'],
    file: 'src/state/keyed-snapshot.ts',
    find: '} else if (space.epoch >= this.since) {',
    replace: '} else if (space.epoch >= this.since + (space.size === 1 && this.since > 0 ? 1 : 0)) {',
  },
];
