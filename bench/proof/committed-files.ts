// The directory of a transactional file sink, as a reader outside sees it.
//
// Owns:    reading committed files once each, noticing torn ones, ones that change or vanish, and what is left over.
// Not:     what the records mean (ledger.ts).
//
// F1. A committed file is whole and final: it ends with a newline, every line parses, and it never changes again.
// F2. After the end of a job nothing but committed files is there.

import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Where the sink keeps what is not committed. */
const ASIDE = '.weir';

/** The part of a file system that a look at committed files needs. */
export interface Shelf {
  /** Names in a directory, sorted; empty when there is none. */
  list(path: string): readonly string[];
  readText(path: string): string;
  sizeBytes(path: string): number;
}

export const realShelf: Shelf = {
  list: (path) => (existsSync(path) ? readdirSync(path).sort() : []),
  readText: (path) => readFileSync(path, 'utf8'),
  sizeBytes: (path) => statSync(path).size,
};

export class CommittedFiles {
  readonly #directory: string;
  readonly #shelf: Shelf;
  readonly #sizes = new Map<string, number>();
  readonly problems: string[] = [];
  torn = 0;

  constructor(directory: string, shelf: Shelf = realShelf) {
    this.#directory = directory;
    this.#shelf = shelf;
  }

  get files(): number {
    return this.#sizes.size;
  }

  /** Reads the files that came since the last call. Every line goes to `take`, parsed, in the order of the names. */
  readNew(take: (value: unknown, line: string) => void): void {
    const names = this.#shelf.list(this.#directory).filter((name) => name !== ASIDE);
    const there = new Set(names);
    for (const [name, size] of this.#sizes) {
      if (!there.has(name)) this.problems.push(`committed file ${name} has vanished`);
      else if (this.#shelf.sizeBytes(join(this.#directory, name)) !== size)
        this.problems.push(`committed file ${name} has changed`);
    }
    for (const name of names) if (!this.#sizes.has(name)) this.#read(name, take);
  }

  /** Names below the directory of unfinished files. */
  leftOver(): readonly string[] {
    return this.#shelf.list(join(this.#directory, ASIDE));
  }

  #read(name: string, take: (value: unknown, line: string) => void): void {
    const text = this.#shelf.readText(join(this.#directory, name));
    this.#sizes.set(name, this.#shelf.sizeBytes(join(this.#directory, name)));
    const lines = text.split('\n');
    if (lines.pop() !== '') {
      this.torn += 1;
      this.problems.push(`committed file ${name} does not end with a newline`);
    }
    for (const line of lines) {
      const parsed = parse(line);
      if (parsed !== undefined) {
        take(parsed, line);
        continue;
      }
      this.torn += 1;
      this.problems.push(`committed file ${name} has the line ${line.slice(0, 60)}`);
    }
  }
}

/** Undefined, which JSON cannot express, for a line that is torn. */
function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    // Not JSON: this is what is being looked for, and the caller reports it.
    return undefined;
  }
}
