#!/usr/bin/env node
// The command `weir`. This file is the program itself: running it is all that it is for.
//
// Owns:    the process: its arguments in, its exit code out.
// Not:     what the commands do (main.ts).

import { main } from './main.js';
import { processShell } from './shell.js';

const code = await main(process.argv.slice(2), processShell());
// A timer or socket that a job file left open must not keep a job alive that has ended. What is still on its way to a pipe must.
process.stdout.write('', () => process.stderr.write('', () => process.exit(code)));
