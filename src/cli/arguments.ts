// What the arguments of every command have in common.
//
// Owns:    reading options with Node's parser, and the ConfigError that names the option and the help to read.
// Not:     which options a command has (command-line.ts, chaos-command-line.ts).

import { ConfigError, messageOf } from '../base/errors.js';
import type { HelpTopic } from './help-text.js';

export function reading<T>(topic: HelpTopic, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    // Node explains the trick with `--` for arguments that begin with a dash, over several sentences; the first one is enough.
    throw wrong(
      topic,
      `${
        messageOf(error)
          .split(/\. |\n/)[0]
          ?.replace(/\.$/, '') ?? ''
      }.`,
    );
  }
}

export function only(topic: HelpTopic, positionals: readonly string[], what: string): string {
  const [first, second] = positionals;
  if (first === undefined) throw wrong(topic, `weir ${topic} needs ${what}.`);
  if (second !== undefined)
    throw wrong(topic, `weir ${topic} takes ${what}, got also ${JSON.stringify(second)}.`);
  return first;
}

export function wholeNumber(
  topic: HelpTopic,
  option: string,
  text: string | undefined,
  min: number,
): number | null {
  if (text === undefined) return null;
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= min && Number.isSafeInteger(number)) return number;
  throw wrong(topic, `${option} is a whole number of at least ${min}, got ${JSON.stringify(text)}.`);
}

export function quoted(argument: string): string {
  return /^[\w./:=@%+,-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", "'\\''")}'`;
}

export function wrong(topic: HelpTopic, problem: string): ConfigError {
  return new ConfigError(problem, { remedy: `See weir ${topic === 'weir' ? '' : `${topic} `}--help.` });
}
