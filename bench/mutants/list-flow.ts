// Mutants of credits, batches, barriers beside side outputs, at least once.

import type { Mutant } from './mutant.js';

export const FLOW_MUTANTS: readonly Mutant[] = [
  {
    name: 'credit-of-barrier-kept',
    title:
      'The credit of a barrier is not returned with the others: each checkpoint makes a channel narrower, until it stands still.',
    from: 'rule I4 of inbox.ts',
    oracles: ['O8', 'O7'],
    file: 'src/task/task-machine.ts',
    find: "      if (credits > 0) this.effects.push({ kind: 'grant', channel, credits });",
    replace: `      const own = element.kind === 'barrier' ? 1 : 0;
      if (credits > own) this.effects.push({ kind: 'grant', channel, credits: credits - own });`,
  },
  {
    name: 'credit-of-abort-kept',
    title: 'The credit of the marker of an aborted checkpoint is not returned.',
    from: 'rule I4 of inbox.ts',
    oracles: ['O8'],
    file: 'src/task/task-machine.ts',
    find: "      if (credits > 0) this.effects.push({ kind: 'grant', channel, credits });",
    replace: `      if (credits > 0 && element.kind !== 'barrierCancel')
        this.effects.push({ kind: 'grant', channel, credits });`,
  },
  {
    name: 'sink-credit-of-end-kept',
    title: 'A sink does not return the credits of the last element of a channel.',
    from: 'rule I4 of inbox.ts',
    oracles: ['O8'],
    file: 'src/task/sink-machine.ts',
    find: "      if (credits > 0) this.effects.push({ kind: 'grant', channel, credits });",
    replace:
      "      if (credits > 0 && element.kind !== 'watermark') this.effects.push({ kind: 'grant', channel, credits });",
  },
  {
    name: 'credits-given-twice',
    title: 'A receiver that returns credits goes on owing one of them, and returns it again.',
    from: 'rule I4 of inbox.ts',
    oracles: ['O8', 'O7'],
    file: 'src/flow/inbox.ts',
    find: `    lane.owed = 0;
    return credits;`,
    replace: `    lane.owed = credits > 1 ? 1 : 0;
    return credits;`,
  },
  {
    name: 'side-batch-behind-barrier',
    title:
      'A batch that is open towards a side output is overtaken by the barrier: after a restore its records are lost.',
    from: 'rule X2 of outbox.ts',
    oracles: ['O1', 'O2'],
    file: 'src/task/outbox.ts',
    find: `      this.close(index, channel);
      this.enqueue(index, channel, element);`,
    replace: `      if (element.kind !== 'barrier' || edge === 0) this.close(index, channel);
      this.enqueue(index, channel, element);`,
  },
  {
    name: 'at-least-once-one-barrier-early',
    title:
      'At least once, a subtask takes its snapshot when all but one of its channels have delivered the barrier: what is before the last one is lost.',
    from: 'semantics 5.8',
    oracles: ['O1'],
    file: 'src/flow/alignment.ts',
    find: `    if (entry.missing === 0) this.complete(entry, effects);
  }

  private complete`,
    replace: `    const early = this.mode === 'atLeastOnce' && this.live > 1 ? 1 : 0;
    if (entry.missing <= early) this.complete(entry, effects);
  }

  private complete`,
  },
  {
    name: 'full-batch-loses-overflow',
    title: 'A batch that is full when it is closed by a barrier loses its last record.',
    from: 'rule X2 of outbox.ts',
    oracles: ['O1', 'O2'],
    file: 'src/flow/batch-builder.ts',
    find: '    values.length = this.count;',
    replace:
      '    values.length = this.count > 1 && this.count === this.capacity - 1 ? this.count - 1 : this.count;',
  },
  {
    name: 'poll-above-what-was-asked',
    title:
      'A source that answers exactly as many records as it was asked for is taken to have answered one less.',
    from: 'rule R1 of source-machine.ts',
    oracles: ['O1', 'O7', 'O2'],
    file: 'src/task/source-machine.ts',
    find: `    const count = polled.values.length;
    if (count === 0 && polled.rejected === undefined) return;`,
    replace: `    const count = polled.values.length;
    if ((count === 0 && polled.rejected === undefined) || count === this.parts.pollRecordsMax - 1) return;`,
  },
];
