// Ten lines of a user: inferred types, checked against the installed declarations, then run.

import { defineJob, forEachSink, run } from 'weirjs';
import { actorSystem } from 'weirjs/actors';
import { virtualRuntime } from 'weirjs/testing';

const words: string[] = [];
const job = defineJob('words', (env) => {
  env
    .from(['to', 'be', 'or', 'not', 'to', 'be'])
    .filter((word) => word.length === 2)
    .map((word) => word.toUpperCase())
    .sinkTo(forEachSink((word) => void words.push(word)));
});
const handle = await run(job);
await handle.finished;
if (words.sort().join() !== 'BE,BE,OR,TO,TO') throw new Error(`got ${words.join()}`);

const system = actorSystem({ runtime: virtualRuntime({ seed: 1 }), host: 'dispatch' });
console.log(`words: ${words.length}, system: ${typeof system.shutdown}`);
