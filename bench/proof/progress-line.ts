// What a person sees while a proof works.
//
// Owns:    one live line on a terminal; sparse plain lines anywhere else.
// Not:     what is said.

import type { WriteStream } from 'node:tty';

const LIVE_INTERVAL_MS = 100;
const PLAIN_INTERVAL_MS = 10_000;

export interface ProgressLine {
  /** Replaces the line. */
  show(text: string): void;
  /** A line that stays. */
  say(line: string): void;
  /** Takes the live line away. */
  clear(): void;
}

export function progressLine(stream: WriteStream | NodeJS.WriteStream): ProgressLine {
  const live = stream.isTTY === true;
  const beganMs = Date.now();
  let shownMs = live ? 0 : beganMs;
  let visible = false;
  const clear = (): void => {
    if (visible) stream.write('\r\u001b[2K');
    visible = false;
  };
  return {
    show(text) {
      const nowMs = Date.now();
      if (nowMs - shownMs < (live ? LIVE_INTERVAL_MS : PLAIN_INTERVAL_MS)) return;
      shownMs = nowMs;
      const line = `${String(Math.round((nowMs - beganMs) / 1000)).padStart(4)} s  ${text}`;
      if (live) stream.write(`\r\u001b[2K${line.slice(0, (stream.columns ?? 100) - 1)}`);
      else stream.write(`${line}\n`);
      visible = live;
    },
    say(line) {
      clear();
      stream.write(`${line}\n`);
    },
    clear,
  };
}
