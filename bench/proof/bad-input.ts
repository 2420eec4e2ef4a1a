// Proof `bad-input`: every kind of wrong input gets an error of its own that says what, where and what to do.
//
// Owns:    the table that is printed.
// Not:     the cases (bad-input-cases.ts), what is demanded of an error (bad-input-check.ts).

import { BAD_INPUTS } from './bad-input-cases.js';
import { checkBadInput } from './bad-input-check.js';
import type { Proof, ProofContext, Verdict } from './proof-contract.js';

export const badInput: Proof = {
  name: 'bad-input',
  claim: 'every kind of wrong input gets its own error that names what, where and what to do',
  usage: '',
  run: prove,
};

async function prove(context: ProofContext): Promise<Verdict> {
  const failures: string[] = [];
  for (const [index, input] of BAD_INPUTS.entries()) {
    context.progress(`${index + 1} of ${BAD_INPUTS.length}: ${input.name}`);
    const { name, seen, problems } = await checkBadInput(input, context.directory(`case-${index + 1}`));
    context.say(`${name}\n    ${seen.replaceAll('\n', '\n    ')}`);
    failures.push(...problems.map((problem) => `${name}: ${problem}`));
  }
  return {
    failures,
    figures: { cases: BAD_INPUTS.length, errors: BAD_INPUTS.length - new Set(failures).size },
  };
}
