import type { Proof } from './proof-contract.js';
export const badInput: Proof = {
  name: 'bad-input',
  claim: '',
  usage: '',
  run: async () => ({ failures: ['not written'], figures: {} }),
};
