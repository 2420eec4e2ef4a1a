// Compares the error that a case got with the one that it must get.
//
// Owns:    finding the error that tells the cause, and what is missing in it.
// Not:     the cases (bad-input-cases.ts).

import { WeirError } from '../../src/base/errors.js';
import type { BadInput } from './bad-input-cases.js';

export interface Checked {
  readonly name: string;
  /** Class, code and text of the error, for people. */
  readonly seen: string;
  readonly problems: readonly string[];
}

const DEADLINE_MS = 60_000;

export async function checkBadInput(input: BadInput, directory: string): Promise<Checked> {
  let thrown: unknown;
  try {
    await inTime(input.provoke(directory));
    return { name: input.name, seen: 'no error', problems: ['it was accepted silently'] };
  } catch (error) {
    // Whatever it is, it is what the user sees.
    thrown = error;
  }
  const chain = chainOf(thrown);
  const found = chain.find((error) => error.name === input.error) ?? chain[0];
  if (found === undefined)
    return { name: input.name, seen: String(thrown), problems: ['something else than an error was thrown'] };
  return {
    name: input.name,
    seen: `${found.name}: ${found.message}`,
    problems: problemsOf(input, found, directory),
  };
}

function problemsOf(input: BadInput, found: Error, directory: string): string[] {
  const { error, code, names, remedy } = input;
  const problems: string[] = [];
  if (found.name !== error) problems.push(`it is a ${found.name}, expected ${error}`);
  if (!(found instanceof WeirError)) return [...problems, 'it is no WeirError'];
  if (found.code !== code) problems.push(`its code is ${found.code}, expected ${code}`);
  for (const name of names.map((each) => (each === '$' ? directory : each))) {
    if (!found.message.includes(name)) problems.push(`it does not name "${name}"`);
  }
  if (!remedy.test(found.message)) problems.push('it does not say what to do');
  return problems;
}

function chainOf(thrown: unknown): Error[] {
  const chain: Error[] = [];
  for (let each = thrown; each instanceof Error && chain.length < 8; each = each.cause) chain.push(each);
  return chain;
}

function inTime<T>(promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no answer after ${DEADLINE_MS} ms`)), DEADLINE_MS);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
