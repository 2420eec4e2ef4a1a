// Fault injection: a bug that needs a late message, found in virtual time, made small, and mended.
//
//   npx tsx examples/money-transfer.ts
//
// The actors are in money-transfer/bank.ts, and the test, ten lines, in money-transfer/scenarios.ts.

import { ViolationError } from 'weirjs/chaos';
import { careful, hasty } from './money-transfer/scenarios.js';

console.log('A teller moves 30 from ann, who has 100, to bob. In the end ann must have 70 and bob 30.');
console.log('Messages are late and actors slow, at random, while the hasty teller works.\n');
try {
  await hasty.explore({ seeds: 1_000 });
} catch (error) {
  if (!(error instanceof ViolationError)) throw error;
  console.log(error.message);
}

console.log('\nThe careful teller gives every posting a number, and the bank books a number once.');
const { seeds, faultsFired } = await careful.explore({ seeds: 1_000 });
const faults = [...faultsFired.values()].reduce((sum, count) => sum + count, 0);
console.log(`${seeds} seeds, ${faults} faults, no failure.`);
