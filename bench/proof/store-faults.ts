import type { Proof } from './proof-contract.js';
export const storeFaults: Proof = {
  name: 'store-faults',
  claim: '',
  usage: '',
  run: async () => ({ failures: ['not written'], figures: {} }),
};
