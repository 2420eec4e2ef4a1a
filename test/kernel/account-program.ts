// A program that dies often: deposits into a persistent account on LMDB until it is killed.
//
//   node --import tsx account-program.ts <directory>
//
// It prints the balance that it found, and then every balance that it was answered.

import { actorSystem, nodeRuntime, openActorStore, persistentActor, type Reply } from '../../actors/index.js';

type Command = { readonly deposit: number; readonly reply: Reply<number> };

const [directory = ''] = process.argv.slice(2);
const system = actorSystem();
const account = system.spawn(
  persistentActor<{ balance: number }, Command, number>({
    id: 'account',
    environment: await openActorStore(nodeRuntime(), directory),
    initial: { balance: 0 },
    onCommand: (_state, { deposit }) => (deposit === 0 ? [] : [deposit]),
    onEvent: ({ balance }, deposited) => ({ balance: balance + deposited }),
    afterCommand: ({ balance }, { reply }) => reply.resolve(balance),
    snapshotEvery: 7,
  }),
);
for (let deposit = 0; ; deposit = 1) {
  const balance = await system.ask<Command, number>(account, (reply) => ({ deposit, reply }));
  process.stdout.write(`${balance}\n`);
}
