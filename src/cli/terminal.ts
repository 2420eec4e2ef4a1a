// The terminal: permanent lines, and one line at the bottom that is always replaced.
//
// Owns:    keeping the live line, lines of the command and what jobs print to standard output apart.
// Not:     what the lines say.
//
// T1. The live line is on the screen only while the cursor stands behind it: whatever else is written removes it first.
// T2. It never wraps, because a wrapped line cannot be taken back.
// T3. Where standard error is no terminal there is no live line and no escape sequence.

import type { Shell } from './shell.js';

export type Style = 'dim' | 'bold' | 'red' | 'yellow' | 'green';

const STYLES: Readonly<Record<Style, readonly [on: number, off: number]>> = {
  dim: [2, 22],
  bold: [1, 22],
  red: [31, 39],
  yellow: [33, 39],
  green: [32, 39],
};
const ESCAPE = '\u001b[';
const ERASE_LINE = `\r${ESCAPE}2K`;
const COLUMNS_DEFAULT = 80;

export class Terminal {
  readonly live: boolean;
  private readonly shell: Shell;
  private readonly colored: boolean;
  private readonly restore: () => void;
  private shown = false;
  /** A job may print without line end; a live line behind half a line would erase it. */
  private atLineStart = true;

  constructor(shell: Shell) {
    this.shell = shell;
    this.live = shell.err.isTTY === true && shell.environment('TERM') !== 'dumb';
    this.colored = this.live && (shell.environment('NO_COLOR') ?? '') === '';
    this.restore = this.live && shell.out.isTTY === true ? this.watchOutput() : () => undefined;
  }

  /** A line that stays. */
  line(text = ''): void {
    this.clear();
    this.shell.err.write(`${text}\n`);
    this.atLineStart = true;
  }

  /** Replaces the live line; a line that stays where there is none. */
  status(text: string): void {
    if (!this.live) return this.line(text);
    if (!this.atLineStart) return;
    const columns = this.shell.err.columns || COLUMNS_DEFAULT;
    this.shell.err.write(ERASE_LINE + this.paint('dim', cut(text, columns - 1)));
    this.shown = true;
  }

  paint(style: Style, text: string): string {
    if (!this.colored) return text;
    const [on, off] = STYLES[style];
    return `${ESCAPE}${on}m${text}${ESCAPE}${off}m`;
  }

  close(): void {
    this.clear();
    this.restore();
  }

  private clear(): void {
    if (!this.shown) return;
    this.shown = false;
    this.shell.err.write(ERASE_LINE);
  }

  // Both streams end on one screen, and jobs write to theirs without knowing of ours.
  private watchOutput(): () => void {
    const { out } = this.shell;
    const write = out.write;
    const watched = (...args: unknown[]): boolean => {
      this.clear();
      const [chunk] = args;
      if (chunk !== '') this.atLineStart = typeof chunk !== 'string' || chunk.endsWith('\n');
      return Reflect.apply(write, out, args) as boolean;
    };
    out.write = watched;
    return () => {
      out.write = write;
    };
  }
}

function cut(text: string, columns: number): string {
  const characters = [...text];
  return characters.length <= columns ? text : `${characters.slice(0, Math.max(0, columns - 1)).join('')}…`;
}
