// The choices of a scheduler, short: a shrunk schedule is thousands of zeros ("the oldest task") and a few numbers.
//
// Owns:    the bytes in replay tokens, the text in files that people read.
// Not:     what a choice means (schedule.ts).
//
// C1. Both forms give back exactly the choices that went in, zeros at the end included.
// C2. The bytes of format c1 never change: tokens outlive versions. Each code is a varint; an even one, 2n, is n zeros, an odd
//     one, 2v + 1, is the single choice v.

import { ConfigError } from '../base/errors.js';

/** Choices of one run; more are a run that nobody can replay by a token. */
export const CHOICES_MAX = 16_777_216;
/** A choice is one among the tasks that are ready. */
const CHOICE_MAX = 4_294_967_295;

const MORE = 0x80;
const LOW_BITS = 0x7f;

export function choiceBytes(choices: readonly number[]): Uint8Array {
  refuseUnfit(choices);
  const bytes: number[] = [];
  for (const { value, count } of runs(choices)) {
    if (value === 0) pushVarint(bytes, 2 * count);
    else for (let repeat = 0; repeat < count; repeat += 1) pushVarint(bytes, 2 * value + 1);
  }
  return Uint8Array.from(bytes);
}

/** Throws ConfigError when the bytes are not those of choices. */
export function choicesFromBytes(bytes: Uint8Array): readonly number[] {
  const choices: number[] = [];
  for (let position = 0; position < bytes.length; ) {
    const { value: code, next } = readVarint(bytes, position);
    position = next;
    if (code % 2 === 0) appendRun(choices, 0, code / 2);
    else appendRun(choices, (code - 1) / 2, 1);
  }
  return choices;
}

/** `0*1200 3 0*17 1`: values in order, each with how often it comes in a row. */
export function choiceText(choices: readonly number[]): string {
  refuseUnfit(choices);
  return runs(choices)
    .map(({ value, count }) => (count === 1 ? `${value}` : `${value}*${count}`))
    .join(' ');
}

/** Throws ConfigError that shows the part that is wrong. */
export function choicesFromText(text: string): readonly number[] {
  const choices: number[] = [];
  for (const part of text.split(' ')) {
    if (part === '') continue;
    const match = /^(\d+)(?:\*(\d+))?$/.exec(part);
    if (match === null) {
      throw new ConfigError(`Choices are written "0*1200 3 1", but there is "${part.slice(0, 40)}".`);
    }
    appendRun(choices, Number(match[1]), Number(match[2] ?? 1));
  }
  return choices;
}

/** Appends a whole number of at least 0 in seven bits a byte, the lowest first. */
export function pushVarint(bytes: number[], value: number): void {
  let rest = value;
  while (rest > LOW_BITS) {
    bytes.push((rest % MORE) + MORE);
    rest = Math.floor(rest / MORE);
  }
  bytes.push(rest);
}

/** The number at the position, and where the next one begins. Throws ConfigError when the bytes end within it. */
export function readVarint(
  bytes: Uint8Array,
  position: number,
): { readonly value: number; readonly next: number } {
  let value = 0;
  let weight = 1;
  for (let at = position; at < bytes.length && weight <= Number.MAX_SAFE_INTEGER; at += 1) {
    const byte = bytes[at] ?? 0;
    value += (byte % MORE) * weight;
    if (byte < MORE) return { value, next: at + 1 };
    weight *= MORE;
  }
  throw new ConfigError(`Bytes end within a number, at ${position} of ${bytes.length}.`);
}

function runs(choices: readonly number[]): readonly { readonly value: number; readonly count: number }[] {
  const found: { value: number; count: number }[] = [];
  for (const value of choices) {
    const last = found.at(-1);
    if (last?.value === value) last.count += 1;
    else found.push({ value, count: 1 });
  }
  return found;
}

function appendRun(choices: number[], value: number, count: number): void {
  if (count < 1 || choices.length + count > CHOICES_MAX || value > CHOICE_MAX) {
    throw new ConfigError(
      `Expected at most ${CHOICES_MAX} choices from 0 to ${CHOICE_MAX}, got ${value} times ${count}.`,
    );
  }
  for (let repeat = 0; repeat < count; repeat += 1) choices.push(value);
}

function refuseUnfit(choices: readonly number[]): void {
  if (choices.length > CHOICES_MAX) {
    throw new ConfigError(`Expected at most ${CHOICES_MAX} choices, got ${choices.length}.`, {
      remedy: 'Shrink the run first, or replay it by its seed, without choices.',
    });
  }
  const strange = choices.find((value) => !Number.isInteger(value) || value < 0 || value > CHOICE_MAX);
  if (strange === undefined) return;
  throw new ConfigError(`A choice is a whole number from 0 to ${CHOICE_MAX}, got ${strange}.`);
}
