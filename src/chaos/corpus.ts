// Plans that once failed, kept in a directory, to be run first next time.
//
// Owns:    the files: their names, their form, which of them are the same failure.
// Not:     when they are read and written (explore.ts).
//
// C1. One file per subject, check and plan: the run that came first stays, so that writing twice changes nothing.
// C2. A file is there whole or not at all; it holds no date, no path and no host, so that it can be committed.
// C3. A file that cannot be read is an error that names it, never one plan fewer.

import { checksum } from '../base/checksum.js';
import { ConfigError, messageOf } from '../base/errors.js';
import type { FileSystem } from '../base/runtime.js';
import { choicesFromText, choiceText } from './choice-codes.js';
import { orderedPlan } from './plan-json.js';
import { type RecordedRun, readRunFields, runFields, textField } from './recorded-run.js';

/** Where corpora are, unless somebody says otherwise. */
export const CORPUS_DIRECTORY = '.chaos';

export interface CorpusEntry {
  /** The check that the run violated. */
  readonly check: string;
  readonly run: RecordedRun;
}

export interface StoredEntry extends CorpusEntry {
  readonly path: string;
}

const FORMAT = 1;
const FILE_BYTES_MAX = 16 * 1_048_576;
/** Of the subject, in the name of a file. */
const NAME_CHARACTERS_MAX = 60;
/** Files whose names would be the same although their plans are not. */
const NAMESAKES_MAX = 100;

/** The entries of a subject in the order of their names; none where there is no directory. Throws ConfigError. */
export async function readCorpus(
  files: FileSystem,
  directory: string,
  subject: string,
): Promise<readonly StoredEntry[]> {
  const names = await listed(files, directory);
  const pattern = new RegExp(`^${escaped(shortName(subject))}-[0-9a-f]{8}(-\\d+)?\\.json$`);
  const entries: StoredEntry[] = [];
  for (const name of names.filter((one) => pattern.test(one))) {
    const entry = await readEntry(files, `${directory}/${name}`);
    // Two subjects can have the same short name.
    if (entry.run.subject === subject) entries.push(entry);
  }
  return entries;
}

/** Keeps the entry, unless there is one of the same subject, check and plan. Throws ConfigError. */
export async function writeToCorpus(
  files: FileSystem,
  directory: string,
  entry: CorpusEntry,
): Promise<{ readonly path: string; readonly added: boolean }> {
  const text = entryText(entry);
  const stem = `${shortName(entry.run.subject)}-${shortHash(identity(entry))}`;
  const present = new Set(await listed(files, directory));
  for (let namesake = 1; namesake <= NAMESAKES_MAX; namesake += 1) {
    const name = namesake === 1 ? `${stem}.json` : `${stem}-${namesake}.json`;
    const path = `${directory}/${name}`;
    if (!present.has(name)) {
      await write(files, directory, path, text);
      return { path, added: true };
    }
    if (identity(await readEntry(files, path)) === identity(entry)) return { path, added: false };
  }
  throw new ConfigError(`There are ${NAMESAKES_MAX} files of the name ${stem} in ${directory}.`);
}

// What makes two failures the same one; seed and schedule do not.
function identity(entry: CorpusEntry): string {
  return JSON.stringify([entry.run.subject, entry.check, orderedPlan(entry.run.spec.plan)]);
}

function entryText(entry: CorpusEntry): string {
  const { choices } = entry.run.spec;
  const value = {
    format: FORMAT,
    check: entry.check,
    ...runFields(entry.run),
    choices: choices === null ? null : choiceText(choices),
  };
  return `${JSON.stringify(value, null, 2)}\n`;
}

async function readEntry(files: FileSystem, path: string): Promise<StoredEntry> {
  try {
    return { path, ...parseEntry(await readText(files, path)) };
  } catch (cause) {
    throw new ConfigError(`The file ${path} of the corpus cannot be used: ${messageOf(cause)}`, {
      cause,
      remedy: 'Mend it, or remove it: the failure that it keeps is then no longer tried.',
    });
  }
}

function parseEntry(text: string): CorpusEntry {
  const value: unknown = JSON.parse(text);
  const fields = new Map(Object.entries(typeof value === 'object' && value !== null ? value : {}));
  if (fields.get('format') !== FORMAT) {
    throw new ConfigError(`format: expected ${FORMAT}, got ${String(fields.get('format'))}.`);
  }
  const choices = fields.get('choices') === null ? null : choicesFromText(textField(fields, 'choices'));
  return { check: textField(fields, 'check'), run: readRunFields(value, choices) };
}

async function listed(files: FileSystem, directory: string): Promise<readonly string[]> {
  try {
    return (await files.stat(directory)) === null ? [] : await files.list(directory);
  } catch (cause) {
    throw new ConfigError(`The corpus ${directory} cannot be read: ${messageOf(cause)}.`, {
      cause,
      remedy: 'Name a directory, or null for no corpus.',
    });
  }
}

async function readText(files: FileSystem, path: string): Promise<string> {
  const handle = await files.open(path, 'read');
  try {
    const { sizeBytes } = await handle.stat();
    if (sizeBytes > FILE_BYTES_MAX) {
      throw new ConfigError(`Expected at most ${FILE_BYTES_MAX} bytes, got ${sizeBytes}.`);
    }
    return new TextDecoder().decode(await handle.read(0, sizeBytes));
  } finally {
    await handle.close();
  }
}

async function write(files: FileSystem, directory: string, path: string, text: string): Promise<void> {
  const draft = `${path}.draft`;
  try {
    await files.makeDirectory(directory);
    // A draft is what an interrupted program has left.
    await files.remove(draft);
    const handle = await files.open(draft, 'createNew');
    try {
      await handle.append(new TextEncoder().encode(text));
      await handle.sync();
    } finally {
      await handle.close();
    }
    await files.rename(draft, path);
    await files.syncDirectory(directory);
  } catch (cause) {
    throw new ConfigError(`The file ${path} of the corpus cannot be written: ${messageOf(cause)}.`, {
      cause,
      remedy: 'Name a directory that can be written, or null for no corpus.',
    });
  }
}

function shortName(subject: string): string {
  const name = subject.replace(/[^\w.-]+/g, '-').slice(0, NAME_CHARACTERS_MAX);
  // A hidden file would escape the eye.
  return name.replace(/^[.-]+/, '') || 'subject';
}

function shortHash(text: string): string {
  return checksum(new TextEncoder().encode(text)).toString(16).padStart(8, '0');
}

function escaped(text: string): string {
  return text.replaceAll('.', '\\.');
}
