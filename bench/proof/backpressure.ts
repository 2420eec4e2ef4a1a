import type { Proof } from './proof-contract.js';
export const backpressure: Proof = {
  name: 'backpressure',
  claim: '',
  usage: '',
  run: async () => ({ failures: ['not written'], figures: {} }),
};
