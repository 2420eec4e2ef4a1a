// Every error that a user can meet.
//
// Owns:    one base class with a stable code, where it happened, and what to do.
// Not:     broken invariants of Weir itself (assert.ts).
//
// E1. A message says what was expected and what came; `remedy` says what to do about it.
// E2. `code` never changes once released; tests and users match on it, never on the text.
// E3. Wrong use is unrecoverable: the same program would do the same again.
// E4. What comes from records, users and systems is escaped, and bounded where it is foreign text: see shown-text.ts.

import { shortText, shownLines, shownList, shownText, shownValue } from './shown-text.js';

/** Where an error happened. All parts are optional because not every error has a place. */
export interface ErrorPlace {
  /** Name or uid of the operator, source or sink. */
  readonly operator?: string | undefined;
  readonly subtask?: number | undefined;
  /** Position in the source, as the source describes it: `access.log:4711`, `seq 12`. */
  readonly position?: string | undefined;
  /** Index of the record in the batch in hand, where only that is known; the task turns it into a position. */
  readonly batchIndex?: number | undefined;
  /** Stack line of the user's code that declared the operator. */
  readonly declaredAt?: string | undefined;
  /** The record in hand, as text: shortened, escaped. */
  readonly record?: string | undefined;
}

/** What tells the record in hand from others, also after a restart. */
export interface RecordIdentity {
  /** `position`: of its source, which no other record has. `content`: all that is known behind a partitioning. */
  readonly kind: 'position' | 'content';
  readonly text: string;
}

/** What only the task knows when an operator or connector has failed. */
export interface PlaceInHand {
  readonly operator?: string | undefined;
  readonly subtask: number;
  readonly position?: string | undefined;
  readonly record?: string | undefined;
  readonly identity?: RecordIdentity | undefined;
}

export interface WeirErrorOptions extends ErrorPlace {
  readonly cause?: unknown;
  readonly identity?: RecordIdentity | undefined;
  /** One sentence in the imperative: what the reader should do. */
  readonly remedy?: string | undefined;
  /** True when a restart cannot help; the restart strategy is skipped (semantics 5.34). */
  readonly unrecoverable?: boolean | undefined;
  /** True when the record is to blame: another one would not have failed, so `onError` may leave it out, restart or not. */
  readonly poison?: boolean | undefined;
}

export type WeirErrorCode =
  | 'WEIR_JOB_DEFINITION'
  | 'WEIR_USER_CODE'
  | 'WEIR_CONNECTOR'
  | 'WEIR_KEY'
  | 'WEIR_TIMESTAMP_MISSING'
  | 'WEIR_STATE'
  | 'WEIR_RESTORE'
  | 'WEIR_STORE'
  | 'WEIR_STORE_POISONED'
  | 'WEIR_STORE_FENCED'
  | 'WEIR_STORE_INCOMPLETE'
  | 'WEIR_CHECKPOINT'
  | 'WEIR_JOB_FAILED'
  | 'WEIR_JOB_CANCELED'
  | 'WEIR_ACTOR'
  | 'WEIR_CODEC'
  | 'WEIR_CONFIG'
  | 'WEIR_SIMULATION_LEAK';

/** Base class of all errors of Weir that are not bugs of Weir. */
export class WeirError extends Error {
  override readonly name: string = 'WeirError';
  readonly code: WeirErrorCode;
  operator: string | undefined;
  subtask: number | undefined;
  position: string | undefined;
  /** Index of the record in the batch in hand. Set by whoever knows it first. */
  batchIndex: number | undefined;
  readonly declaredAt: string | undefined;
  record: string | undefined;
  identity: RecordIdentity | undefined;
  readonly remedy: string | undefined;
  readonly unrecoverable: boolean;
  readonly poison: boolean;

  constructor(code: WeirErrorCode, message: string, options: WeirErrorOptions = {}) {
    super(compose(message, options), options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.operator = options.operator;
    this.subtask = options.subtask;
    this.position = options.position;
    this.batchIndex = options.batchIndex;
    this.declaredAt = options.declaredAt;
    this.record = options.record;
    this.identity = options.identity;
    this.remedy = options.remedy === undefined ? undefined : shownText(options.remedy);
    this.unrecoverable = options.unrecoverable ?? false;
    this.poison = options.poison ?? false;
  }

  /** Adds what only the task knows, as far as the error does not say it yet. Returns the same error. */
  at(place: PlaceInHand): this {
    const added: string[] = [];
    if (this.operator === undefined && place.operator !== undefined) {
      this.operator = place.operator;
      added.push(`operator "${place.operator}"`);
    }
    if (this.position === undefined && place.position !== undefined) {
      this.position = place.position;
      this.message = this.message.replace(`, at record ${this.batchIndex} of its batch`, '');
      added.push(`at ${place.position}`, `subtask ${this.subtask ?? place.subtask}`);
    }
    if (this.record === undefined && place.record !== undefined) {
      this.record = place.record;
      added.push(`record ${place.record}`);
    }
    this.subtask ??= place.subtask;
    this.identity ??= place.identity;
    if (added.length > 0) this.message = `${this.message} [${shownText(added.join(', '))}]`;
    return this;
  }
}

/** The job description is wrong; nothing was started. `problems` lists all of them. */
export class JobDefinitionError extends WeirError {
  override readonly name = 'JobDefinitionError';
  readonly problems: readonly string[];

  constructor(job: string, problems: readonly string[], options: WeirErrorOptions = {}) {
    const list = shownList(problems);
    const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
    super('WEIR_JOB_DEFINITION', `Job "${job}" cannot start, ${count}:${list}`, {
      ...options,
      unrecoverable: true,
    });
    this.problems = problems;
  }
}

/** A function of the user threw, or broke its contract. */
export class UserCodeError extends WeirError {
  override readonly name = 'UserCodeError';
  constructor(message: string, options: WeirErrorOptions = {}) {
    super('WEIR_USER_CODE', message, options);
  }
}

/** A source or sink, or the system behind it, failed. */
export class ConnectorError extends WeirError {
  override readonly name = 'ConnectorError';
  constructor(message: string, options: WeirErrorOptions = {}) {
    super('WEIR_CONNECTOR', message, options);
  }
}

/** A key that cannot be a key: undefined, null, a function, a cyclic object. No restart mends it. */
export class KeyError extends WeirError {
  override readonly name = 'KeyError';
  constructor(message: string, options: WeirErrorOptions = {}) {
    super('WEIR_KEY', message, { unrecoverable: true, poison: true, ...options });
  }
}

/** An event-time operator met a record without timestamp. No restart mends it. */
export class TimestampMissingError extends WeirError {
  override readonly name = 'TimestampMissingError';
  constructor(message: string, options: WeirErrorOptions = {}) {
    super('WEIR_TIMESTAMP_MISSING', message, { unrecoverable: true, poison: true, ...options });
  }
}

/** State used wrongly: outside a key, registered twice with another kind, null in a list. No restart mends it. */
export class StateError extends WeirError {
  override readonly name = 'StateError';
  constructor(message: string, options: WeirErrorOptions = {}) {
    super('WEIR_STATE', message, { unrecoverable: true, ...options });
  }
}

/** A checkpoint or savepoint does not fit the job, or cannot be read. Nothing was started. */
export class RestoreError extends WeirError {
  override readonly name = 'RestoreError';
  constructor(message: string, options: WeirErrorOptions = {}) {
    super('WEIR_RESTORE', message, { unrecoverable: true, ...options });
  }
}

/**
 * The checkpoint store failed; POISONED: it must be reopened; FENCED: another process owns it now; INCOMPLETE: a manifest names
 * bytes that are not there, and was refused.
 */
export class StoreError extends WeirError {
  override readonly name = 'StoreError';
  constructor(
    code: 'WEIR_STORE' | 'WEIR_STORE_POISONED' | 'WEIR_STORE_FENCED' | 'WEIR_STORE_INCOMPLETE',
    message: string,
    options: WeirErrorOptions = {},
  ) {
    super(code, message, options);
  }
}

/** A checkpoint or savepoint failed or was refused. */
export class CheckpointError extends WeirError {
  override readonly name = 'CheckpointError';
  constructor(message: string, options: WeirErrorOptions = {}) {
    super('WEIR_CHECKPOINT', message, options);
  }
}

/** The job has failed for good; `cause` is the last failure, `suppressed` the earlier ones. */
export class JobFailedError extends WeirError {
  override readonly name = 'JobFailedError';
  readonly suppressed: readonly unknown[];
  constructor(
    message: string,
    options: WeirErrorOptions & { readonly suppressed?: readonly unknown[] } = {},
  ) {
    super('WEIR_JOB_FAILED', message, options);
    this.suppressed = options.suppressed ?? [];
  }
}

/** An option, argument or environment is wrong. */
export class ConfigError extends WeirError {
  override readonly name = 'ConfigError';
  constructor(message: string, options: WeirErrorOptions = {}) {
    super('WEIR_CONFIG', message, { unrecoverable: true, ...options });
  }
}

/** A value that cannot be written to state, a checkpoint or a channel. No restart mends it. */
export class CodecError extends WeirError {
  override readonly name = 'CodecError';
  /** The message without remedy. */
  readonly problem: string;
  constructor(message: string, options: WeirErrorOptions = {}) {
    super('WEIR_CODEC', message, { unrecoverable: true, ...options });
    this.problem = message;
  }
}

/** Notes which record of the batch in hand it was, for an error that does not know. Answers the same error. */
export function atBatchIndex(error: unknown, index: number): unknown {
  if (error instanceof WeirError) error.batchIndex ??= index;
  return error;
}

/** Text of anything that was thrown, for a message. One line, shortened, unless it is a message of Weir: that has its own lines. */
export function messageOf(thrown: unknown): string {
  if (thrown instanceof WeirError) return thrown.message;
  if (thrown instanceof Error) return shortText(String(thrown.message));
  return typeof thrown === 'string' ? shortText(thrown) : `thrown value ${shownValue(thrown)}`;
}

/** True when the error, or an error that caused it, says that a restart cannot help. */
export function isUnrecoverable(thrown: unknown): boolean {
  let error: unknown = thrown;
  for (let depth = 0; depth < 16 && error instanceof Error; depth += 1) {
    if ((error as { unrecoverable?: unknown }).unrecoverable === true) return true;
    error = error.cause;
  }
  return false;
}

function compose(message: string, options: WeirErrorOptions): string {
  const place: string[] = [];
  if (options.operator !== undefined) {
    place.push(
      `operator "${options.operator}"${options.subtask === undefined ? '' : ` subtask ${options.subtask}`}`,
    );
  }
  if (options.position !== undefined) place.push(`at ${options.position}`);
  else if (options.batchIndex !== undefined) place.push(`at record ${options.batchIndex} of its batch`);
  if (options.declaredAt !== undefined) place.push(`declared ${options.declaredAt}`);
  const where = place.length === 0 ? '' : ` [${shownText(place.join(', '))}]`;
  const remedy = options.remedy === undefined ? '' : ` ${shownText(options.remedy)}`;
  return `${shownLines(message)}${where}${remedy}`;
}
