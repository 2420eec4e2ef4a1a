// What a user's plain JavaScript sees of the installed package.

import * as weir from 'weirjs';
import * as actors from 'weirjs/actors';
import * as chaos from 'weirjs/chaos';
import * as testing from 'weirjs/testing';

const wanted = [
  ['weirjs', weir, ['defineJob', 'run', 'WeirError']],
  ['weirjs/actors', actors, ['actorSystem']],
  ['weirjs/testing', testing, ['virtualRuntime']],
  ['weirjs/chaos', chaos, ['scenario', 'simulate', 'fault', 'check', 'property']],
];
for (const [name, module, exports] of wanted) {
  const missing = exports.filter((one) => !(one in module));
  if (missing.length > 0) throw new Error(`${name} does not export ${missing.join(', ')}`);
  console.log(`${name}: ${Object.keys(module).length} exports`);
}
