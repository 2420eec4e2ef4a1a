// The live line never mixes with what else is written, and interrupts only ever ask for more.

import { expect, test } from 'vitest';
import { Interrupts } from '../../src/cli/interrupts.js';
import type { Screen, Shell } from '../../src/cli/shell.js';
import { Terminal } from '../../src/cli/terminal.js';

const ERASE = '\r\u001b[2K';

/** Both streams end on one screen. */
function screen(isTTY: boolean, columns = 20): { shell: Shell; written: () => string } {
  let written = '';
  const stream = (): Screen => ({
    isTTY,
    columns,
    write: (text) => {
      written += text;
      return true;
    },
  });
  const shell: Shell = {
    out: stream(),
    err: stream(),
    directory: '.',
    environment: (name) => (name === 'NO_COLOR' ? '1' : undefined),
    onInterrupt: () => () => undefined,
    exitNow: () => undefined,
  };
  return { shell, written: () => written };
}

test('whatever is written removes the live line first', () => {
  const { shell, written } = screen(true);
  const terminal = new Terminal(shell);
  terminal.status('one');
  terminal.status('two');
  shell.out.write('a record\n');
  terminal.status('three');
  terminal.line('a log');
  terminal.close();
  expect(written()).toBe(`${ERASE}one${ERASE}two${ERASE}a record\n${ERASE}three${ERASE}a log\n`);
});

test('half a line of a job is left alone until it is whole', () => {
  const { shell, written } = screen(true);
  const terminal = new Terminal(shell);
  shell.out.write('half');
  terminal.status('one');
  shell.out.write(' whole\n');
  terminal.status('two');
  expect(written()).toBe(`half whole\n${ERASE}two`);
});

test('the live line never wraps', () => {
  const { shell, written } = screen(true, 10);
  new Terminal(shell).status('0123456789');
  expect(written()).toBe(`${ERASE}01234567…`);
});

test('where there is no terminal, every status is a line, without escape sequences', () => {
  const { shell, written } = screen(false, 10);
  const terminal = new Terminal(shell);
  terminal.status('0123456789');
  shell.out.write('a record\n');
  terminal.close();
  expect(written()).toBe('0123456789\na record\n');
});

test('closing gives standard output back', () => {
  const { shell } = screen(true);
  const { write } = shell.out;
  const terminal = new Terminal(shell);
  expect(shell.out.write).not.toBe(write);
  terminal.close();
  expect(shell.out.write).toBe(write);
});

test.each([
  [
    [true, true, true, true],
    ['stop', 'cancel', 'exit', 'exit'],
  ],
  [
    [false, false, false],
    ['cancel', 'exit', 'exit'],
  ],
  // A job that begins to run between two presses is not stopped after it was canceled.
  [
    [false, true],
    ['cancel', 'exit'],
  ],
  [
    [true, false, false],
    ['stop', 'cancel', 'exit'],
  ],
])('interrupts of a job that can be stopped %j mean %j', (canStop, actions) => {
  const interrupts = new Interrupts();
  expect(canStop.map((can) => interrupts.press(can))).toEqual(actions);
});
