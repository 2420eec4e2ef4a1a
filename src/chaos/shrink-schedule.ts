// Shrinking of a schedule: the choices of the scheduler, pulled towards "always the oldest".
//
// Owns:    which choices are made the oldest.
// Not:     the search (shrink-search.ts), making the choices (the subject).
//
// C1. A choice of 0 takes the oldest task; after the last choice the oldest is taken anyway, so zeros at the end are left out.

import { ddmin, type ShrinkSearch } from './shrink-search.js';

/** Choices that are lowered one by one, at the end; more would take the whole budget for little. */
const LOWERED_MAX = 16;

/** Fixes the choices of the best run, and makes as many as possible 0. True: the schedule became simpler. */
export async function shrinkSchedule(search: ShrinkSearch): Promise<boolean> {
  const before = search.best.choices;
  if (await search.accept({ ...search.best, choices: [] })) return before === null || before.length > 0;
  if (before === null && !(await recordChoices(search))) return false;
  const choices = search.best.choices ?? [];
  await shortenTail(search, choices);
  await zeroBlocks(search);
  await dropLead(search);
  await lowerEach(search);
  return search.best.choices !== before;
}

/** From "by the seed" to the same choices, written down. */
async function recordChoices(search: ShrinkSearch): Promise<boolean> {
  const choices = search.outcome?.choices;
  return choices !== undefined && (await search.accept({ ...search.best, choices: withoutTail(choices) }));
}

/** Bugs often happen early: a bisection for the end of the choices that matter. */
async function shortenTail(search: ShrinkSearch, choices: readonly number[]): Promise<void> {
  let refused = 0;
  let accepted = choices.length;
  while (accepted - refused > 1) {
    const middle = Math.floor((accepted + refused) / 2);
    if (await search.accept({ ...search.best, choices: withoutTail(choices.slice(0, middle)) }))
      accepted = middle;
    else refused = middle;
  }
}

/** First by blocks, then one by one. */
async function zeroBlocks(search: ShrinkSearch): Promise<void> {
  const choices = search.best.choices ?? [];
  const matter = choices.flatMap((choice, index) => (choice === 0 ? [] : [index]));
  await ddmin(matter, (kept) => {
    const keep = new Set(kept);
    const pulled = choices.map((choice, index) => (keep.has(index) ? choice : 0));
    return search.accept({ ...search.best, choices: withoutTail(pulled) });
  });
}

/** What matters may happen as well at the very start. */
async function dropLead(search: ShrinkSearch): Promise<void> {
  const choices = search.best.choices ?? [];
  const first = choices.findIndex((choice) => choice !== 0);
  if (first > 0) await search.accept({ ...search.best, choices: choices.slice(first) });
}

async function lowerEach(search: ShrinkSearch): Promise<void> {
  const high = (search.best.choices ?? []).flatMap((choice, index) => (choice > 1 ? [index] : []));
  for (const index of high.slice(0, LOWERED_MAX)) {
    const choices = search.best.choices ?? [];
    await search.accept({
      ...search.best,
      choices: choices.map((choice, at) => (at === index ? 1 : choice)),
    });
  }
}

function withoutTail(choices: readonly number[]): readonly number[] {
  const last = choices.findLastIndex((choice) => choice !== 0);
  return choices.slice(0, last + 1);
}
