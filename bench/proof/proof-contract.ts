// What a proof is: a claim about Weir that one command checks, with figures.
//
// Owns:    the shapes that proofs and the command share.
// Not:     the command line (proof.ts), any proof.
//
// P1. A proof that could not exercise what it claims has failed: an empty check proves nothing.
// P2. What cannot be exercised on this machine is said in `notes`, never left out silently.

export type Figure = number | string;

export interface ProofContext {
  /** Words after the name of the proof. */
  readonly args: readonly string[];
  /** The form for every change: the same checks on less work. */
  readonly short: boolean;
  /** Decides all that is left to chance. */
  readonly seed: number;
  /** Value of `--name value`, `true` for a bare `--name`, undefined when absent. */
  option(name: string): string | true | undefined;
  /** What is going on, in one short line; the next one replaces it. */
  progress(text: string): void;
  /** A line that stays. */
  say(line: string): void;
  /** A new empty directory. Removed at the end unless the proof fails. */
  directory(name: string): string;
}

export interface Verdict {
  /** What was found wrong, one sentence each. Empty: the proof holds. */
  readonly failures: readonly string[];
  readonly figures: Readonly<Record<string, Figure>>;
  /** What was not exercised, and why. */
  readonly notes?: readonly string[];
}

export interface Proof {
  readonly name: string;
  /** One line for the list of proofs. */
  readonly claim: string;
  /** Arguments and options besides the general ones. */
  readonly usage: string;
  run(context: ProofContext): Promise<Verdict>;
}

/** A wrong command line: the message is for the person who typed it. */
export class UsageError extends Error {}

/** The value of an option as a whole number, or `fallback` when the option is absent or bare. */
export function wholeOption(context: ProofContext, name: string, fallback: number): number {
  const value = context.option(name);
  if (value === undefined || value === true) return fallback;
  const number = Number(value);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  throw new UsageError(`--${name} takes a whole number, got ${value}`);
}
