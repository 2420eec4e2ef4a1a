// Mutants of channels, barriers and snapshots of subtasks.

import type { Mutant, Part } from './mutant.js';

const PROTOCOL_AND_JOBS: readonly Part[] = ['protocol', 'engine'];

export const BARRIER_MUTANTS: readonly Mutant[] = [
  {
    name: 'no-alignment',
    title:
      'Channels that have delivered the barrier are read on: records after it are in the state before it, and are counted twice after a restart.',
    from: 'reliability 1, semantics 5.4',
    oracles: ['O1', 'O2', 'O4'],
    file: 'src/flow/alignment.ts',
    find: 'return first !== undefined && first.arrived[channel] === 1;',
    replace: 'return first !== undefined && first.arrived[channel] === 2;',
  },
  {
    name: 'barrier-overtakes-batch',
    title:
      'The barrier leaves before the records gathered in the open batch: the source counts them as read, the receiver has them not in its snapshot, and a restart loses them.',
    from: 'semantics 5.2',
    oracles: ['O1', 'O4'],
    parts: PROTOCOL_AND_JOBS,
    file: 'src/task/outbox.ts',
    find: `      this.close(index, channel);
      this.enqueue(index, channel, element);`,
    replace: `      if (element.kind !== 'barrier') this.close(index, channel);
      this.enqueue(index, channel, element);`,
  },
  {
    name: 'source-offset-lags',
    title:
      'A checkpoint holds where the last batch began instead of where it ended: a restart reads it again.',
    from: 'reliability 1, semantics 5.2',
    oracles: ['O1', 'O2'],
    file: 'src/task/split-positions.ts',
    find: 'const all = [...this.splits.values()];',
    replace: `const { inHand } = this;
    const all = [...this.splits.values()].map((split) =>
      split.id === inHand?.split ? { ...split, position: inHand.position } : split,
    );`,
  },
  {
    name: 'source-offset-ahead',
    title:
      'The position moves when records arrive, before they are handed on: a barrier in between counts them as read, and a restart loses them.',
    from: 'semantics 5.2',
    oracles: ['O1', 'O4'],
    parts: PROTOCOL_AND_JOBS,
    file: 'src/task/source-machine.ts',
    find: "if (this.phase.kind === 'running') this.arrived = input.polled;",
    replace: `if (this.phase.kind === 'running') {
          this.arrived = input.polled;
          if (input.polled.kind === 'records')
            this.parts.positions.move(input.polled.split, input.polled.next);
        }`,
  },
  {
    name: 'duplicate-barrier-at-source',
    title:
      'A source takes a barrier that comes twice a second time: if the answer to the first is lost, its position and the state behind it are of different moments.',
    from: 'reliability 1, fault F21',
    oracles: ['O1', 'O4'],
    parts: PROTOCOL_AND_JOBS,
    file: 'src/task/source-machine.ts',
    find: 'if (input.checkpoint > this.lastBarrier && input.checkpoint > (this.trigger?.checkpoint ?? 0)) {',
    replace: 'if (input.checkpoint >= this.lastBarrier) {',
  },
  {
    name: 'finished-source-without-barriers',
    title:
      'A source that has ended takes no barrier any more: no checkpoint completes from then on, and the job never ends.',
    from: 'semantics 5.7, 5.19',
    oracles: ['O7'],
    file: 'src/task/source-machine.ts',
    find: 'if (this.trigger !== null) {',
    replace: "if (this.trigger !== null && this.phase.kind !== 'ended') {",
  },
  {
    name: 'suspend-drains',
    title:
      'A stop without drain sends MAX all the same: windows fire before their time, and again after the resume.',
    from: 'semantics 5.20',
    oracles: ['O1', 'O17'],
    file: 'src/task/source-machine.ts',
    find: "if (purpose.kind === 'stop' && purpose.drain && this.phase.kind === 'running') {",
    replace: "if (purpose.kind === 'stop' && this.phase.kind === 'running') {",
  },
  {
    name: 'snapshot-after-next-records',
    title:
      'State is walked after the next records have changed it, and nothing keeps the older values: changed keys are missing from the checkpoint.',
    from: 'reliability 1 (snapshot by reference), semantics 4.B, 5.3',
    oracles: ['O1', 'O2', 'O4'],
    file: 'src/state/keyed-backend.ts',
    find: `    core.capture = walk;
    return walk;`,
    replace: `    let waits = true;
    return {
      full: walk.full,
      entries: walk.entries,
      cancel: () => walk.cancel(),
      next: (entriesMax) => {
        if (!waits) return walk.next(entriesMax);
        waits = false;
        return { chunks: [], done: false };
      },
    };`,
  },
  {
    name: 'duplicate-element-accepted',
    title: 'An element that a link delivers twice is handled twice: its records count double.',
    from: 'fault F12',
    oracles: ['O1', 'O8'],
    file: 'src/flow/inbox.ts',
    find: `    if (seq < lane.expected) {
      this.dropped += 1;
      return false;
    }
    assert(seq === lane.expected, `,
    replace: `    assert(seq <= lane.expected, `,
  },
  {
    name: 'lost-element-unnoticed',
    title: 'A gap in a channel is read over: the records in it are lost without a word.',
    from: 'fault F13',
    oracles: ['O1', 'O7'],
    file: 'src/flow/inbox.ts',
    find: "assert(seq === lane.expected, 'elements of a channel arrive without gap', {",
    replace: "assert(seq >= lane.expected, 'elements of a channel arrive without gap', {",
  },
  {
    name: 'credit-of-control-elements-kept',
    title:
      'Credits of watermarks and barriers never go back: after a few of them the channel is dry and the job stands still.',
    from: 'semantics 5.4',
    oracles: ['O7'],
    file: 'src/flow/inbox.ts',
    find: 'lane.owed += 1;',
    replace: "if (element.kind === 'batch') lane.owed += 1;",
  },
  {
    name: 'room-not-noticed',
    title: 'A subtask that was held back once does not see that there is room again: it never goes on.',
    from: 'reliability 3.1, fault F08',
    oracles: ['O7'],
    file: 'src/task/outbox.ts',
    find: 'this.room.full = this.waitingChannels > 0;',
    replace: 'this.room.full = this.waitingChannels >= 0;',
  },
  {
    name: 'credits-overdrawn',
    title: 'A sender goes on although it has no credit left: a slow receiver gets more than it has room for.',
    from: 'fault F08',
    oracles: ['O8', 'O7'],
    parts: PROTOCOL_AND_JOBS,
    file: 'src/task/outbox.ts',
    find: 'if (channel.credits > 0) {',
    replace: 'if (channel.credits > -4) {',
  },
  {
    name: 'watermark-to-first-channel-only',
    title: 'A watermark reaches the first receiver only: windows of the others never fire.',
    from: 'semantics 2.B',
    oracles: ['O1', 'O7'],
    file: 'src/task/outbox.ts',
    find: 'for (const index of (this.edges[edge] as OutboxEdge).channels) {',
    replace: `const { channels } = this.edges[edge] as OutboxEdge;
    for (const index of channels) {
      if (element.kind === 'watermark' && index !== channels[0]) continue;`,
  },
];
