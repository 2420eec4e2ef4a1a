// Actors without a stream: a supervised worker, a bounded mailbox, and questions with answers.
//
//   npx tsx examples/actors.ts

import { type ActorRef, type ActorSetup, type ActorSystem, actorSystem, type Reply } from 'weirjs/actors';

export type Totals = Readonly<Record<string, number>>;
type TillMessage =
  | { readonly kind: 'sale'; readonly fruit: string; readonly pieces: number }
  | { readonly kind: 'totals'; readonly reply: Reply<Totals> };
type ScannerMessage =
  | { readonly kind: 'line'; readonly line: string }
  | { readonly kind: 'flush'; readonly reply: Reply<void> };

/** Holds what was sold. It does nothing that can fail. */
const till: ActorSetup<TillMessage> = () => {
  const totals: Record<string, number> = {};
  return {
    onMessage(message) {
      if (message.kind === 'totals') message.reply.resolve({ ...totals });
      else totals[message.fruit] = (totals[message.fruit] ?? 0) + message.pieces;
    },
  };
};

/** Does the part that can fail. After a failure it begins anew with the next message; its mailbox stays. */
function scanner(to: ActorRef<TillMessage>): ActorSetup<ScannerMessage> {
  return () => ({
    async onMessage(message) {
      if (message.kind === 'flush') return message.reply.resolve();
      const [fruit = '', pieces] = message.line.split(' ');
      if (!Number.isInteger(Number(pieces))) throw new Error(`"${pieces}" is not a number of pieces`);
      // Waits while the till's mailbox is full: that is the backpressure.
      await to.send({ kind: 'sale', fruit, pieces: Number(pieces) });
    },
  });
}

/** A question is a message that carries where to answer. */
const flush = (reply: Reply<void>): ScannerMessage => ({ kind: 'flush', reply });
const askTotals = (reply: Reply<Totals>): TillMessage => ({ kind: 'totals', reply });

const LINES = ['apples 3', 'pears 2', 'plums 9', 'apples five', 'pears 4', 'apples 1'];

/** `afterHalf` is for whoever wants to disturb the system in the middle. */
export async function sellFruit(
  system: ActorSystem,
  say: (line: string) => void,
  afterHalf: (scanner: ActorRef<ScannerMessage>) => void = () => undefined,
): Promise<Totals> {
  const totals = system.spawn(till, { name: 'till' });
  const options = { name: 'scanner', restart: 'permanent', mailbox: { capacity: 2 } } as const;
  const worker = system.spawn(scanner(totals), options);
  for (const line of LINES.slice(0, 3)) {
    // `offer` answers at once; `send` resolves when there is room.
    const taken = worker.offer({ kind: 'line', line });
    say(`offer "${line}": ${taken ? 'taken' : 'the mailbox is full, so send it and wait'}`);
    if (!taken) await worker.send({ kind: 'line', line });
  }
  await system.ask(worker, flush);
  afterHalf(worker);
  for (const line of LINES.slice(3)) await worker.send({ kind: 'line', line });
  await system.ask(worker, flush);
  return system.ask(totals, askTotals);
}

if (import.meta.filename === process.argv[1]) {
  const system = actorSystem({
    supervision: { strategy: 'oneForOne', restartsMax: 5, periodMs: 10_000 },
    // Nothing vanishes: a message that cannot be handled is told, with the reason.
    onDeadLetter: ({ path, reason, message }) => console.log(`dead letter of ${path}, ${reason}:`, message),
  });
  const totals = await sellFruit(system, console.log);
  const worker = system.snapshot().children.find(({ path }) => path === '/scanner');
  console.log(`the scanner was restarted ${worker?.restarts} time; sold:`, totals);
  await system.shutdown();
}
