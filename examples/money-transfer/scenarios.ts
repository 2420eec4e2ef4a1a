// What must hold of a transfer, under faults that are drawn at random. This is the whole test.
//
//   npx weir chaos explore examples/money-transfer/scenarios.ts

import { deepEqual } from 'node:assert/strict';
import type { ActorRef, ActorSetup, Reply } from 'weirjs/actors';
import { actorScenario, type Runnable } from 'weirjs/chaos';
import {
  type Balances,
  type BankMessage,
  bankWith,
  carefulTeller,
  hastyTeller,
  type Transfer,
} from './bank.js';

const balances = (reply: Reply<Balances>): BankMessage => ({ kind: 'balances', reply });
type Teller = (bank: ActorRef<BankMessage>) => ActorSetup<Transfer>;

const transferBy = (name: string, tellerAt: Teller): Runnable =>
  actorScenario(
    async ({ system, clock, heal }) => {
      const bank = system.spawn(bankWith({ ann: 100, bob: 0 }), { name: 'bank' });
      const teller = system.spawn(tellerAt(bank), { name: 'teller' });
      const transfer = { kind: 'transfer', from: 'ann', to: 'bob', amount: 30 } as const;
      await system.ask<Transfer, void>(teller, (reply) => ({ ...transfer, reply }), { timeoutMs: 60_000 });
      heal();
      await clock.sleep(60_000);
      deepEqual(await system.ask(bank, balances), { ann: 70, bob: 30 });
    },
    { name, module: import.meta.url, swarm: { kinds: ['link.delay', 'ask.late', 'actor.slow'] } },
  );

export const hasty: Runnable = transferBy('hasty', hastyTeller);
export const careful: Runnable = transferBy('careful', carefulTeller);
