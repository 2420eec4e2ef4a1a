// The accounts of a finished message program: nothing lost, nothing twice, everything told (O12).
//
// Owns:    comparing what actors have handled, what the kernel says and what the listener of dead letters heard.
// Not:     the program (message-play.ts).

import type { Conservation, DeadLetter } from '../../../actors/kernel/actor.js';
import type { ProgramMessage } from './message-actor.js';
import type { TreeCounts } from './tree-counts.js';

export interface Accounts {
  readonly counts: TreeCounts;
  /** Messages that the kernel has taken. */
  readonly taken: ReadonlySet<number>;
  readonly handled: ReadonlyMap<number, number>;
  readonly begun: ReadonlySet<number>;
  readonly timers: readonly number[];
  readonly asked: number;
  readonly settled: number;
  /** Questions that an answer has settled, and answers that were given. */
  readonly answered: number;
  readonly answers: number;
}

/** K4. */
export function isConserved(counts: Conservation): boolean {
  return counts.sent === counts.handled + counts.deadLettered + counts.dropped + counts.queued;
}

export function verifyAccounts(
  total: Conservation,
  letters: readonly DeadLetter[],
  accounts: Accounts,
): void {
  const { counts, asked, settled, answers, answered } = accounts;
  if (total.queued !== 0)
    counts.violate('O12', 'conservation', `${total.queued} messages are queued for ever`);
  if (letters.length !== total.deadLettered + total.dropped) {
    const expected = `${total.deadLettered} dead and ${total.dropped} dropped`;
    counts.violate('O12', 'deadLetters', `${expected}, ${letters.length} told`);
  }
  const late = letters.filter(({ reason }) => reason === 'lateReply').length;
  counts.lateReplies += late;
  // A timer that was set and never rang in a handler has died with its life.
  for (const id of accounts.timers) if (!accounts.begun.has(id)) counts.fault('F17');
  for (let at = 0; at < late; at += 1) counts.fault('F15');
  for (let at = 0; at < total.dropped; at += 1) counts.fault('F10');
  if (settled !== asked) counts.violate('O7', 'asks', `${asked - settled} questions are open for ever`);
  if (answers !== answered + late) {
    counts.violate('O12', 'asks', `${answers} answers: ${answered} taken, ${late} dead`);
  }
  verifyMessages(letters, accounts);
}

function verifyMessages(letters: readonly DeadLetter[], { counts, handled, taken }: Accounts): void {
  const dead = new Map<number, number>();
  for (const { message, reason } of letters) {
    if (reason === 'lateReply') continue;
    const { id } = message as ProgramMessage;
    dead.set(id, (dead.get(id) ?? 0) + 1);
  }
  for (const [id, times] of [...handled, ...dead]) {
    if (times !== 1) counts.violate('O12', 'once', `message ${id} is handled or dead ${times} times`);
  }
  for (const id of dead.keys()) {
    if (handled.has(id)) counts.violate('O12', 'once', `message ${id} is handled and dead`);
  }
  for (const id of taken) {
    if (!handled.has(id) && !dead.has(id)) counts.violate('O12', 'once', `message ${id} is lost`);
  }
}
