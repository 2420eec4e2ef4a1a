// A bank and its tellers, as actors. One of the two tellers has a bug that no ordinary test shows.

import { type ActorRef, type ActorSetup, AskTimeoutError, type Reply } from 'weirjs/actors';

export type Balances = Readonly<Record<string, number>>;
export type BankMessage =
  | {
      readonly kind: 'post';
      readonly account: string;
      readonly amount: number;
      /** The same number means the same posting; null: nobody has given it one. */
      readonly request: number | null;
      readonly reply: Reply<void>;
    }
  | { readonly kind: 'balances'; readonly reply: Reply<Balances> };

export interface Transfer {
  readonly kind: 'transfer';
  readonly from: string;
  readonly to: string;
  readonly amount: number;
  readonly reply: Reply<void>;
}

/** Posts what it is told; a request that it has seen before it only answers again. */
export function bankWith(opening: Balances): ActorSetup<BankMessage> {
  return () => {
    const balances: Record<string, number> = { ...opening };
    const seen = new Set<number>();
    return {
      onMessage(message) {
        if (message.kind === 'balances') return message.reply.resolve({ ...balances });
        const { account, amount, request, reply } = message;
        if (request === null || !seen.has(request)) balances[account] = (balances[account] ?? 0) + amount;
        if (request !== null) seen.add(request);
        reply.resolve();
      },
    };
  };
}

/** When the bank does not answer in time, it asks again. But what if the bank was only slow? */
export const hastyTeller = (bank: ActorRef<BankMessage>): ActorSetup<Transfer> => tellerAt(bank, () => null);

/** The same, mended: every posting has a number, and keeps it when it is asked for again. */
export function carefulTeller(bank: ActorRef<BankMessage>): ActorSetup<Transfer> {
  let requests = 0;
  return tellerAt(bank, () => {
    requests += 1;
    return requests;
  });
}

function tellerAt(bank: ActorRef<BankMessage>, nextRequest: () => number | null): ActorSetup<Transfer> {
  return (context) => {
    const post = async (account: string, amount: number): Promise<void> => {
      const request = nextRequest();
      const posting = (reply: Reply<void>): BankMessage => ({
        kind: 'post',
        account,
        amount,
        request,
        reply,
      });
      for (;;) {
        try {
          return await context.ask(bank, posting, { timeoutMs: 200 });
        } catch (error) {
          if (!(error instanceof AskTimeoutError)) throw error;
        }
      }
    };
    return {
      async onMessage({ from, to, amount, reply }) {
        await post(from, -amount);
        await post(to, amount);
        reply.resolve();
      },
    };
  };
}
