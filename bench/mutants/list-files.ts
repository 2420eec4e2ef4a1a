// Mutants of file sinks: parts, their names, their durability.

import type { Mutant } from './mutant.js';

export const FILE_MUTANTS: readonly Mutant[] = [
  {
    name: 'part-number-used-again',
    title: 'The second part of a transaction has the name of the first.',
    from: 'rule N2 of file-sink-names.ts',
    oracles: ['O7', 'O1'],
    file: 'src/connectors/file-sink-writer.ts',
    find: `      this.counter += 1;
`,
    replace: `      this.counter = Math.max(1, this.finished.length);
`,
  },
  {
    name: 'part-one-line-too-long',
    title: 'A part goes on when it has exactly as many bytes as it may have.',
    from: 'roll.sizeBytes: at so many bytes',
    oracles: ['O14'],
    file: 'src/connectors/file-sink-writer.ts',
    find: 'this.fileBytes >= this.roll.sizeBytes',
    replace: 'this.fileBytes > this.roll.sizeBytes',
  },
  {
    name: 'last-part-of-many-lost',
    title: 'Of three parts and more the last one is never published.',
    from: 'semantics 5.22',
    oracles: ['O1', 'O14'],
    file: 'src/connectors/file-commits.ts',
    find: '      for (const committable of committables) {',
    replace: '      for (const committable of committables.slice(0, Math.max(2, committables.length - 1))) {',
  },
  {
    name: 'known-parts-removed',
    title: 'A restart removes unfinished files that a checkpoint knows.',
    from: 'rule M4 of file-commits.ts',
    oracles: ['O1', 'O7'],
    file: 'src/connectors/file-commits.ts',
    find: '|| kept.has(name)) continue;',
    replace: ') continue;',
  },
  {
    name: 'part-not-synced',
    title: 'A part is not synced before it is prepared: a power cut takes what was acknowledged.',
    from: 'rule M1 of file-commits.ts',
    oracles: ['O1', 'O5'],
    file: 'src/connectors/file-sink-writer.ts',
    find: `    await handle.sync();
    await handle.close();`,
    replace: '    await handle.close();',
  },
  {
    name: 'publishing-not-durable',
    title: 'A published file is not durable when its commit is answered.',
    from: 'rule M1 of file-commits.ts',
    oracles: ['O1', 'O7'],
    file: 'src/connectors/file-commits.ts',
    find: `      await this.files.syncDirectory(this.directory);
      await this.syncAsideIfThere();
      return { kind: 'ok' };`,
    replace: "      return { kind: 'ok' };",
  },
  {
    name: 'block-lost-when-part-ends',
    title: 'What a part still holds in memory when it ends is lost when a write comes at the same time.',
    from: 'rule W1 of file-sink-writer.ts',
    oracles: ['O1'],
    file: 'src/connectors/file-sink-writer.ts',
    find: "    for (const bytes of this.block.takeAll()) this.steps.push({ kind: 'append', bytes });",
    replace: `    for (const bytes of this.steps.length === 0 ? this.block.takeAll() : this.block.takeAll().slice(1))
      this.steps.push({ kind: 'append', bytes });`,
  },
  {
    name: 'new-split-to-everybody',
    title: 'Every subtask reads every split.',
    from: 'decision 0013: each split has one reader',
    oracles: ['O1'],
    file: 'src/task/split-shares.ts',
    find: '      shares[subtask]?.push({ id, position, ended: false });',
    replace: '      for (const share of shares) share.push({ id, position, ended: false });',
  },
];
