// Names of the files of a file sink, unfinished and final.
//
// Owns:    the form of the names, and reading them back.
// Not:     what happens to the files (file-sink-writer.ts, file-commits.ts).
//
// N1. An unfinished name says whose it is: job, uid, subtask, attempt. Two jobs or sinks never take each other's.
// N2. A final name is never given twice: it carries a random token beside attempt and counter.
// N3. Final names of one subtask sort in the order of their commits.

/** The folder inside the target directory where files are written until they are committed. */
export const ASIDE_DIRECTORY = '.weir';

const ASIDE_SUFFIX = '.open';

/** Longest encoded owner in a name; file systems take names of 255 bytes. */
const OWNER_CHARS_MAX = 96;

/** What of a final name is the user's. Numbers, token and separators between them take at most 72 bytes. */
export const PREFIX_BYTES_MAX = 128;
export const EXTENSION_BYTES_MAX = 48;

export interface FileNaming {
  /** Job and uid, encoded. */
  readonly owner: string;
  /** What final names begin with. */
  readonly prefix: string;
  readonly subtask: number;
  readonly attempt: number;
  /** Unique per writer. */
  readonly token: string;
  readonly extension: string;
}

export function ownerOf(job: string, uid: string): string {
  const owner = `${encoded(job)}+${encoded(uid)}`;
  return owner.length <= OWNER_CHARS_MAX ? owner : `${owner.slice(0, OWNER_CHARS_MAX)}~${hashText(owner)}`;
}

/** What final names begin with unless the user says otherwise. */
export function prefixOf(uid: string): string {
  const prefix = encoded(uid);
  return prefix.length <= OWNER_CHARS_MAX
    ? prefix
    : `${prefix.slice(0, OWNER_CHARS_MAX)}~${hashText(prefix)}`;
}

export function asideName(naming: FileNaming, counter: number): string {
  return `${naming.owner}.${naming.subtask}.${naming.attempt}.${counter}.${naming.token}${ASIDE_SUFFIX}`;
}

export function finalName(naming: FileNaming, counter: number): string {
  const { prefix, subtask, attempt, token, extension } = naming;
  return `${prefix}-${digits(subtask, 4)}-${digits(attempt, 4)}-${digits(counter, 6)}-${token}.${extension}`;
}

/** Owner and attempt of an unfinished file; null for a name that is not ours. */
export function parseAsideName(name: string): { readonly owner: string; readonly attempt: number } | null {
  const parts = /^([^.]+)\.(\d+)\.(\d+)\.(\d+)\.([0-9a-z]+)\.open$/.exec(name);
  return parts === null ? null : { owner: parts[1] ?? '', attempt: Number(parts[3]) };
}

/**
 * Whether both names of a written file are such as this sink makes: plain names, of this owner, prefix and extension. They
 * come back out of a savepoint, which is data from outside: another name could move any file to anywhere.
 */
export function areOurNames(
  naming: Pick<FileNaming, 'owner' | 'prefix' | 'extension'>,
  names: unknown,
): names is { readonly aside: string; readonly final: string } {
  if (typeof names !== 'object' || names === null) return false;
  const { aside, final } = names as { readonly aside?: unknown; readonly final?: unknown };
  if (typeof aside !== 'string' || typeof final !== 'string') return false;
  if (/[/\\\0]/.test(aside) || /[/\\\0]/.test(final)) return false;
  if (parseAsideName(aside)?.owner !== naming.owner) return false;
  const { prefix, extension } = naming;
  if (!final.startsWith(`${prefix}-`) || !final.endsWith(`.${extension}`)) return false;
  return /^\d{4,}-\d{4,}-\d{6,}-[0-9a-z]+$/.test(final.slice(prefix.length + 1, -extension.length - 1));
}

/** Short, safe in a name, and different for different ids. */
export function tokenOf(id: string): string {
  return hashText(id);
}

function digits(value: number, width: number): string {
  return String(value).padStart(width, '0');
}

// Injective: everything but letters, digits, `_` and `-` becomes its code in hexadecimal between percent signs.
function encoded(text: string): string {
  return text.replace(/[^A-Za-z0-9_-]/gu, (char) => `%${(char.codePointAt(0) ?? 0).toString(16)}%`);
}

/** 64 bits of FNV-1a as base 36. */
function hashText(text: string): string {
  let hash = 0xcbf29ce484222325n;
  for (let index = 0; index < text.length; index += 1) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(text.charCodeAt(index))) * 0x100000001b3n);
  }
  return hash.toString(36).padStart(13, '0').slice(-10);
}
