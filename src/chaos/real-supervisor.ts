// Supervises a job in real threads or processes: starts it, starts it again after each death, until it has come to its end.
//
// Owns:    the lives of one run, the deadline, the watch over silent hosts, the sum of what the hosts have told.
// Not:     one life (real-host.ts), threads and processes themselves, the verdict (real-verdict.ts).
//
// S1. A run ends by itself, at the deadline at the latest; no thread and no process outlives it.
// S2. A host that gives no sign of life is ended and replaced. Silence is counted in turns of this thread, so that a pause of
//     the whole machine accuses nobody.
// S3. A death that no fault has announced is replaced like any other, and reported.

import type { Runtime, TimerHandle } from '../base/runtime.js';
import type { FiredFault, TraceEvent, Violation } from './execution.js';
import type { HostEnd, HostLife } from './real-host-life.js';
import type { HostLedger, HostNews, HostTask, PlannedDeath, ToldError } from './real-news.js';

/** A run that takes longer is ended. */
export const REAL_RUN_MS_MAX = 60_000;
/** Without any news for so many turns a host counts as hung. Above the longest stall that a fault can order (5 s). */
const SILENT_TURNS_MAX = 30;
const TURN_MS = 500;
/** More than any plan needs: one that kills in every life would never end. */
const LIVES_MAX = 25;
/** Starts after a failure that a fault excuses. */
const SECOND_CHANCES = 2;

export type RealEnd =
  | { readonly kind: 'finished' }
  | { readonly kind: 'failed'; readonly error: ToldError }
  | { readonly kind: 'stuck'; readonly reason: string };

export interface SupervisorOptions {
  readonly runtime: Runtime;
  /** Of the first life; later ones carry the state on. */
  readonly task: HostTask;
  readonly start: (task: HostTask, onNews: (news: HostNews) => void) => HostLife;
  readonly committed: () => number;
  /** Something has been done that may end the job for good: it then gets a second chance, without faults. */
  readonly mayEnd: (fired: readonly FiredFault[]) => boolean;
  /** The end of this host is the work of a fault that nobody announces: memory pressure. */
  readonly excusedDeath: (task: HostTask, how: string) => boolean;
  readonly deadlineMs: number;
}

/** Thrown when there was nothing to run. */
export class UnusableScenario extends Error {}

export class Supervisor {
  readonly fired: FiredFault[] = [];
  readonly violations: Violation[] = [];
  readonly ledgers: HostLedger[] = [];
  readonly events: TraceEvent[] = [];
  /** Ends that a fault excused, before the last one. */
  readonly earlierEnds: RealEnd[] = [];
  end: RealEnd = { kind: 'stuck', reason: 'it never began' };
  lives = 0;
  readonly #options: SupervisorOptions;
  readonly #startMs: number;
  #life: HostLife | null = null;
  #ledger: HostLedger | null = null;
  #last: HostNews | null = null;
  #dying: PlannedDeath | null = null;
  #silentTurns = 0;
  #overdue = false;
  #hung = false;
  #pause: TimerHandle | null = null;
  #paused = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#startMs = options.runtime.clock.monotonicMs();
  }

  get elapsedMs(): number {
    return Math.round(this.#options.runtime.clock.monotonicMs() - this.#startMs);
  }

  async toTheEnd(): Promise<void> {
    const { timers } = this.#options.runtime;
    const deadline = timers.after(this.#options.deadlineMs, () => {
      this.#overdue = true;
      this.#life?.end();
    });
    let turn = timers.after(TURN_MS, () => undefined);
    const turns = (): void => {
      this.#turn();
      turn = timers.after(TURN_MS, turns);
    };
    turns();
    try {
      await this.#lives();
    } finally {
      deadline.cancel();
      turn.cancel();
      this.#pause?.cancel();
    }
  }

  async #lives(): Promise<void> {
    let chances = SECOND_CHANCES;
    let healed = false;
    for (;;) {
      const end = await this.#live(healed);
      if (this.#overdue) {
        this.end = { kind: 'stuck', reason: `no end after ${this.#options.deadlineMs} ms` };
        return;
      }
      if (end === null) {
        if (this.lives < LIVES_MAX) continue;
        this.end = { kind: 'stuck', reason: `no end after ${LIVES_MAX} lives` };
        return;
      }
      this.end = end;
      if (end.kind === 'finished' || chances === 0 || !this.#options.mayEnd(this.fired)) return;
      chances -= 1;
      healed = true;
      this.earlierEnds.push(end);
    }
  }

  /** Null: the host died, and another one has to go on. */
  async #live(healed: boolean): Promise<RealEnd | null> {
    const task = this.#nextTask(healed);
    this.lives += 1;
    this.#ledger = null;
    this.#last = null;
    this.#dying = null;
    this.#hung = false;
    this.#silentTurns = 0;
    this.#note(`life ${this.lives} begins`, 'life');
    const life = this.#options.start(task, (news) => this.#hear(news));
    this.#life = life;
    const ended = await life.ended;
    this.#life = null;
    if (this.#ledger !== null) this.ledgers.push(this.#ledger);
    return this.#ending(task, ended);
  }

  #ending(task: HostTask, { how, said }: HostEnd): RealEnd | null {
    const last = this.#last as HostNews | null;
    if (last?.kind === 'unusable') throw new UnusableScenario(last.message);
    this.#note(`life ${this.lives} ends: ${how ?? last?.kind ?? 'in order'}`, 'life');
    const dying = this.#dying as PlannedDeath | null;
    if (last?.kind === 'finished' || last?.kind === 'failed') {
      if (dying !== null) this.#accuse(`the host was to die of ${dying}, and went on`);
      return last.kind === 'finished' ? { kind: 'finished' } : { kind: 'failed', error: last.error };
    }
    if (this.#overdue) return null;
    const words = this.#hung ? 'it gave no sign of life' : (how ?? 'it ended without a word');
    const explained = said === '' ? words : `${words}; it said: ${said}`;
    const planned = dying !== null && !this.#hung;
    if (!planned && !this.#options.excusedDeath(task, explained)) {
      this.#accuse(`life ${this.lives} of the job ended, and no fault had ended it: ${explained}`);
    }
    return null;
  }

  #nextTask(healed: boolean): HostTask {
    const { task, committed } = this.#options;
    const before = this.ledgers.at(-1);
    return {
      ...task,
      healed,
      life: this.lives + 1,
      beforeMs: this.lives === 0 ? 0 : this.elapsedMs,
      faults: before?.faults ?? null,
      durable: before?.durable ?? null,
      committed: committed(),
    };
  }

  #hear(news: HostNews): void {
    this.#silentTurns = 0;
    this.#last = news.kind === 'beat' ? this.#last : news;
    switch (news.kind) {
      case 'fired':
        this.fired.push(news.fired);
        return this.#note(`${news.fired.kind} hits ${news.fired.hit}`, 'fault');
      case 'ledger':
        this.#ledger = news.ledger;
        return;
      case 'dying':
        this.#dying = news.how;
        return;
      case 'pausing':
        return this.#pauseFor(news.ms);
      default:
        // Of the others only the last one matters, and it is kept.
        this.#paused = false;
    }
  }

  #pauseFor(ms: number): void {
    this.#paused = true;
    this.#pause = this.#options.runtime.timers.after(ms, () => {
      this.#pause = null;
      this.#life?.resume();
    });
  }

  #turn(): void {
    this.#silentTurns += 1;
    // The signal may have come before the process had stopped.
    if (this.#paused && this.#pause === null) this.#life?.resume();
    if (this.#silentTurns < SILENT_TURNS_MAX || this.#pause !== null || this.#hung) return;
    this.#hung = true;
    this.#life?.end();
  }

  #accuse(message: string): void {
    this.violations.push({ check: 'O7 liveness', oracle: 'O7', message, example: [`life ${this.lives}`] });
  }

  #note(text: string, kind: TraceEvent['kind']): void {
    this.events.push({ atMs: this.elapsedMs, atStep: 0, actor: 'world', text, kind });
  }
}
