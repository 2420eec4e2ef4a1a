// The command line of the proofs: words and options.
//
// Owns:    reading `proof <name> [words] [--option [value]]`.
// Not:     what the options mean (proof.ts and each proof).

/** Options that never take a value, so that the word after one of them stays a word. */
const BARE: ReadonlySet<string> = new Set(['json', 'short', 'help', 'process', 'real', 'keep']);

export interface CommandLine {
  readonly words: readonly string[];
  readonly options: ReadonlyMap<string, string | true>;
}

export function parseCommandLine(args: readonly string[]): CommandLine {
  const words: string[] = [];
  const options = new Map<string, string | true>();
  for (let index = 0; index < args.length; index += 1) {
    const arg = args[index] ?? '';
    if (!arg.startsWith('--')) {
      words.push(arg);
      continue;
    }
    const [name = '', value] = arg.slice(2).split('=', 2);
    const next = args[index + 1];
    if (value !== undefined) {
      options.set(name, value);
    } else if (BARE.has(name) || next === undefined || next.startsWith('--')) {
      options.set(name, true);
    } else {
      options.set(name, next);
      index += 1;
    }
  }
  return { words, options };
}
