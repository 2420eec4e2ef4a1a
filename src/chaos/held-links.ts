// Messages that are on their way for longer than usual.
//
// Owns:    holding messages of a link back, in order, until it is released.
// Not:     why (link-faults.ts).
//
// L1. What follows on the same link waits behind what is held: a link never reorders its own messages.

interface Held {
  readonly deliver: (message: unknown) => void;
  readonly message: unknown;
}

interface HeldLink {
  readonly queue: Held[];
  /** Several reasons may hold one link. */
  holds: number;
}

export class HeldLinks {
  readonly #links = new Map<string, HeldLink>();

  /** True when the link is held: the message then waits. */
  queue(link: string, message: unknown, deliver: (message: unknown) => void): boolean {
    const held = this.#links.get(link);
    if (held === undefined) return false;
    held.queue.push({ message, deliver });
    return true;
  }

  /** From now on the link is held. The answer releases it, once. */
  hold(link: string): () => void {
    const held = this.#links.get(link) ?? { queue: [], holds: 0 };
    this.#links.set(link, held);
    held.holds += 1;
    let done = false;
    return () => {
      if (done) return;
      done = true;
      held.holds -= 1;
      if (held.holds > 0) return;
      this.#links.delete(link);
      for (const { message, deliver } of held.queue) deliver(message);
    };
  }

  get isEmpty(): boolean {
    return this.#links.size === 0;
  }
}
