// Counts the credits of every channel from outside: what was sent, and what the receiver has given back.
//
// Owns:    the account of each channel of the last attempt, and what is wrong with it when the job has ended.
// Not:     obeying credits (src/task/outbox.ts, src/flow/inbox.ts).
//
// W1. When everything that was sent has been taken, a receiver owes less than it gives back at a time. A credit more is lost: the
//     channel has become smaller for good, and some day it stands still.
// W2. A job ends with the checkpoint that finishes it. What lies in a channel behind its barrier, barriers of later ones and the
//     withdrawal of earlier ones, need not have been taken.

import { CREDIT_RETURN_ELEMENTS } from '../base/limits.js';
import { channelsOf } from '../graph/channels.js';
import type { JobPlan } from '../graph/job-plan.js';

interface Flowing {
  readonly kind?: unknown;
  readonly channel?: number;
  readonly seq?: number;
  readonly credits?: number;
  readonly element?: { readonly kind: string; readonly checkpoint?: number };
}

export class CreditWatch {
  /** By path and number of the channel there. */
  readonly #sent = new Map<string, number>();
  readonly #granted = new Map<string, number>();
  /** Checkpoints of the barriers behind everything else that was sent; 0 for a barrier that was withdrawn. */
  readonly #barriers = new Map<string, readonly number[]>();

  /** Whatever reaches an actor. */
  message(path: string, message: unknown): void {
    const { kind, channel, seq, credits, element } = message as Flowing;
    const key = `${path} ${channel}`;
    if (kind === 'element') this.#element(key, (seq ?? 0) + 1, element);
    else if (kind === 'credit') this.#granted.set(key, (this.#granted.get(key) ?? 0) + (credits ?? 0));
  }

  #element(key: string, sent: number, element: Flowing['element']): void {
    // One that comes twice was counted before.
    if (sent <= (this.#sent.get(key) ?? 0)) return;
    this.#sent.set(key, sent);
    const before = this.#barriers.get(key) ?? [];
    if (element?.kind === 'barrier') this.#barriers.set(key, [...before, element.checkpoint ?? 0]);
    else this.#barriers.set(key, element?.kind === 'barrierCancel' ? [...before, 0] : []);
  }

  /** Of the attempt that has finished with checkpoint `last`; empty: every account is in order. */
  problems(plan: JobPlan, attempt: string, capacity: number, last: number): readonly string[] {
    const owedMax = Math.max(1, Math.min(CREDIT_RETURN_ELEMENTS, Math.floor(capacity / 2))) - 1;
    const problems: string[] = [];
    for (const [vertex, subtasks] of channelsOf(plan)) {
      for (const { subtask, outputs } of subtasks) {
        const sender = `${attempt}/${vertex}.${subtask}`;
        const targets = outputs.flatMap((output) =>
          output.targets.map((target) => ({ ...target, to: plan.edges[output.edge]?.to })),
        );
        for (const [number, { to, receiver, channel }] of targets.entries()) {
          const key = `${attempt}/${to}.${receiver} ${channel}`;
          const sent = this.#sent.get(key) ?? 0;
          const open = sent - (this.#granted.get(`${sender} ${number}`) ?? 0);
          const barriers = this.#barriers.get(key) ?? [];
          const later = barriers.includes(last) ? barriers.length - 1 - barriers.indexOf(last) : 0;
          if (open >= 0 && open <= owedMax + later) continue;
          problems.push(`${sender} to ${to}.${receiver}: ${open} of ${sent} credits were not given back`);
        }
      }
    }
    return problems;
  }
}
