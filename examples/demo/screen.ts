// What the demo shows: a table that grows by a row per minute of the shop, with a line between for every kill.
//
// Owns:    layout, and colours where there is a terminal that wants them.

import { styleText } from 'node:util';
import type { Recovery } from './killer.js';
import { CATEGORIES, type MinuteRevenue } from './orders.js';
import type { Verdict } from './verdict.js';

const COLUMN = 12;
const COLOURED = process.stdout.isTTY === true && !process.env['NO_COLOR'];

export class Screen {
  /** Minutes of which some categories are still to come: subtasks close their windows on their own. */
  readonly #open = new Map<number, Map<string, number>>();

  say(line = ''): void {
    process.stdout.write(`${line}\n`);
  }

  opening(orders: number, seconds: number): void {
    this.say(
      `Weir demo: ${number(orders)} orders in about ${seconds} seconds, while actors are killed at random.`,
    );
  }

  head(guarantee: string): void {
    this.say(
      `The job promises ${guarantee === 'exactlyOnce' ? 'exactly once' : guarantee}. Revenue per minute of the shop:`,
    );
    this.say();
    const names = [...CATEGORIES, 'total'].map((name) => name.padStart(COLUMN));
    this.say(bold(`minute${names.join('')}`));
  }

  /** A minute is shown as soon as all its categories are there. */
  revenue({ minute, category, cents }: MinuteRevenue): void {
    const sums = this.#open.get(minute) ?? new Map<string, number>();
    this.#open.set(minute, sums.set(category, cents));
    if (sums.size === CATEGORIES.length) this.#show(minute, sums);
  }

  /** No more revenue comes: shows the last minute, in which some categories had no order. */
  revenueEnds(): void {
    for (const [minute, sums] of this.#open) this.#show(minute, sums);
  }

  #show(minute: number, sums: ReadonlyMap<string, number>): void {
    this.#open.delete(minute);
    const total = [...sums.values()].reduce((left, right) => left + right, 0);
    const cells = [...CATEGORIES.map((category) => sums.get(category) ?? 0), total];
    const time = new Date(minute).toISOString().slice(11, 16);
    this.say(`${time} ${cells.map((cents) => money(cents).padStart(COLUMN)).join('')}`);
  }

  recovery({ actor, checkpoint, ms }: Recovery): void {
    const from = checkpoint === null ? 'began anew' : `restored from checkpoint ${checkpoint}`;
    this.say(yellow(`       killed ${actor}, ${from} in ${ms} ms`));
  }

  killedLast(actor: string): void {
    this.say(yellow(`       killed ${actor}, when all orders had been read`));
  }

  verdict(verdict: Verdict, recoveries: readonly Recovery[], checkpoints: number): void {
    const { orders, lost, duplicated, windows, windowsWrong, centsInFiles, centsTrue, ok } = verdict;
    const ms = recoveries.map((recovery) => recovery.ms).sort((left, right) => left - right);
    const typical = ms[ms.length >> 1];
    this.say();
    this.say(
      typical === undefined
        ? `nobody was killed, ${checkpoints} checkpoints`
        : `${recoveries.length} actors killed, ${checkpoints} checkpoints, typically back after ${typical} ms`,
    );
    this.say(
      `${number(orders)} orders in the committed files, ${money(centsInFiles)} of ${money(centsTrue)} in revenue`,
    );
    this.say(`${number(windows)} sums per minute and category, ${windowsWrong} of them wrong`);
    const line = `lost = ${lost}, duplicated = ${duplicated}`;
    this.say(ok ? green(line) : red(`${line}: THIS RUN IS WRONG`));
  }
}

function money(cents: number): string {
  return (cents / 100).toLocaleString('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 });
}

function number(value: number): string {
  return value.toLocaleString('en');
}

function bold(text: string): string {
  return COLOURED ? styleText('bold', text) : text;
}

function yellow(text: string): string {
  return COLOURED ? styleText('yellow', text) : text;
}

function green(text: string): string {
  return COLOURED ? styleText(['bold', 'green'], text) : text;
}

function red(text: string): string {
  return COLOURED ? styleText(['bold', 'red'], text) : text;
}
