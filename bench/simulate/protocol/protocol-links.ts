// Messages under way in one simulated process: links in which nothing overtakes, and the timers.
//
// Owns:    which links have something, and which of them is next.
// Not:     what messages mean (the roles), time (protocol-world.ts).
//
// L1. A link is a FIFO with one receiver. Links overtake each other as chance wills: nothing else may be relied upon (F11).

import type { Chance } from './chance.js';
import type { ProtocolPlan } from './protocol-plan.js';

/** A link, whatever it carries. */
export interface AnyLink {
  readonly id: number;
  readonly length: number;
  frozenUntilMs: number;
  place: number;
  deliver(): void;
  drain(): readonly unknown[];
}

export class Link<M> implements AnyLink {
  readonly id: number;
  readonly receive: (message: M) => void;
  /** A delayed link is passed over until then. */
  frozenUntilMs = 0;
  /** Place in the list of links that have something; -1: it has nothing. */
  place = -1;
  readonly #links: Links;
  #items: M[] = [];
  #head = 0;

  constructor(links: Links, id: number, receive: (message: M) => void) {
    this.#links = links;
    this.id = id;
    this.receive = receive;
  }

  get length(): number {
    return this.#items.length - this.#head;
  }

  push(message: M): void {
    this.#items.push(message);
    if (this.place < 0) this.#links.fill(this);
  }

  /** Hands the oldest message to the receiver. */
  deliver(): void {
    const message = this.#items[this.#head] as M;
    this.#head += 1;
    if (this.#head === this.#items.length) {
      this.#items.length = 0;
      this.#head = 0;
      this.#links.empty(this);
    }
    this.receive(message);
  }

  /** Everything under way, which is then gone. */
  drain(): readonly M[] {
    const rest = this.#items.slice(this.#head);
    this.#items = [];
    this.#head = 0;
    if (this.place >= 0) this.#links.empty(this);
    return rest;
  }
}

/** One alarm, set anew or not at all. */
export class Alarm {
  dueMs = Number.POSITIVE_INFINITY;
  readonly ring: () => void;
  readonly #links: Links;

  constructor(links: Links, ring: () => void) {
    this.#links = links;
    this.ring = ring;
  }

  set(dueMs: number | null): void {
    this.dueMs = dueMs ?? Number.POSITIVE_INFINITY;
    this.#links.alarmsChanged();
  }
}

/** Tries to find a link that is not delayed, before a delayed one is taken after all. */
const TRIES = 4;

export class Links {
  readonly #ready: AnyLink[] = [];
  readonly #order: ProtocolPlan['order'];
  #alarms: Alarm[] = [];
  #nextDueMs = Number.POSITIVE_INFINITY;
  #ids = 0;
  #eager: AnyLink | null = null;

  constructor(order: ProtocolPlan['order']) {
    this.#order = order;
  }

  link<M>(receive: (message: M) => void): Link<M> {
    this.#ids += 1;
    return new Link(this, this.#ids, receive);
  }

  alarm(ring: () => void): Alarm {
    const alarm = new Alarm(this, ring);
    this.#alarms.push(alarm);
    return alarm;
  }

  forgetAlarms(alarms: readonly Alarm[]): void {
    this.#alarms = this.#alarms.filter((alarm) => !alarms.includes(alarm));
    this.alarmsChanged();
  }

  get idle(): boolean {
    return this.#ready.length === 0;
  }

  get nextDueMs(): number {
    return this.#nextDueMs;
  }

  ringDue(nowMs: number): void {
    while (this.#nextDueMs <= nowMs) {
      const due = this.#alarms.find((alarm) => alarm.dueMs <= nowMs);
      if (due === undefined) return this.alarmsChanged();
      due.set(null);
      due.ring();
    }
  }

  /** The link whose turn it is; only when one is ready. */
  choose(chance: Chance, nowMs: number): AnyLink {
    const ready = this.#ready;
    const { length } = ready;
    if (this.#order === 'eager' && this.#eager !== null && this.#eager.place >= 0 && chance.below(8) > 0) {
      return this.#eager;
    }
    let chosen = ready[length === 1 ? 0 : chance.below(length)] as AnyLink;
    for (let tries = 0; tries < TRIES && this.#waits(chosen, nowMs); tries += 1) {
      chosen = ready[chance.below(length)] as AnyLink;
    }
    this.#eager = chosen;
    return chosen;
  }

  fill(link: AnyLink): void {
    link.place = this.#ready.length;
    this.#ready.push(link);
  }

  empty(link: AnyLink): void {
    const last = this.#ready.pop();
    if (last !== undefined && last !== link) {
      this.#ready[link.place] = last;
      last.place = link.place;
    }
    link.place = -1;
  }

  alarmsChanged(): void {
    let next = Number.POSITIVE_INFINITY;
    for (const { dueMs } of this.#alarms) if (dueMs < next) next = dueMs;
    this.#nextDueMs = next;
  }

  #waits(link: AnyLink, nowMs: number): boolean {
    if (link.frozenUntilMs > nowMs) return true;
    // One link in eight, another one every few hundred steps, gets its turn only when nobody else is ready.
    return this.#order === 'starve' && (link.id + (nowMs >>> 8)) % 8 === 0;
  }
}
