// What runs under poison. To add a program is to add one line to `programs`; it throws when its result is wrong.

import { actorSystem } from '../../actors/index.js';
import { type VirtualRuntime, virtualRuntime } from '../../src/testing/virtual-runtime.js';

export interface Program {
  readonly name: string;
  run(machine: VirtualRuntime): Promise<void>;
}

export const programs: readonly Program[] = [{ name: 'two actors play ping-pong', run: pingPong }];

export async function runPrograms(): Promise<readonly string[]> {
  for (const program of programs) await program.run(virtualRuntime({ seed: 1 }));
  return programs.map((program) => program.name);
}

type Ball = { readonly kind: 'ball'; readonly hits: number };

// Every third hit goes through a timer, so that messages, timers and a stop all happen.
async function pingPong(machine: VirtualRuntime): Promise<void> {
  const system = actorSystem({ runtime: machine, host: 'dispatch' });
  const seen: string[] = [];
  let other: { offer(ball: Ball): boolean } | null = null;
  const player = (name: string) =>
    system.spawn<Ball>(
      (context) => ({
        onMessage({ hits }) {
          seen.push(`${name}${hits}`);
          const next: Ball = { kind: 'ball', hits: hits + 1 };
          if (hits === 9) return;
          if (hits % 3 === 0) context.after(50, next);
          else other?.offer(next);
        },
      }),
      { name },
    );
  const ping = player('ping');
  other = player('pong');
  ping.offer({ kind: 'ball', hits: 1 });
  await machine.run();
  if (seen.at(-1)?.endsWith('9') !== true) throw new Error(`the game stopped early: ${seen.join(' ')}`);
  if (machine.nowMs < 100) throw new Error(`two timers of 50 ms were due, but it is ${machine.nowMs} ms`);
  const down = system.shutdown();
  await machine.run();
  await down;
}
