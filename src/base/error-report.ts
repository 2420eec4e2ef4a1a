// An error for the person who has to do something about it.
//
// Owns:    the chain of causes as lines: what happened, where, what to do. Stacks only when asked for.
// Not:     where the lines go: the logger and the command show the same ones.
//
// E1. Everything is said once: a message that repeats its cause, its place or its remedy loses that part here.
// E2. Of a stack, the line of the user's file that threw is shown: where the reader can change something.
// E3. No line has a control character: not from a record, not from what a user's function threw.

import { relative } from 'node:path';
import { JobFailedError, messageOf, WeirError } from './errors.js';
import { shortText, shownText } from './shown-text.js';
import { stackPlaces } from './stack-places.js';

const CAUSES_MAX = 8;
/** What compose() in errors.ts and WeirError.at() add to a message. */
const PLACE = / \[(?:operator "|at |declared |record )[^\n]*\]$/;

export interface ErrorReportOptions {
  /** With the stacks of all errors. */
  readonly verbose: boolean;
  /** Paths are shown relative to it. Null: as they are. */
  readonly directory: string | null;
}

/** Lines without indentation for what happened, indented ones for the details. */
export function reportError(error: unknown, options: ErrorReportOptions): readonly string[] {
  const chain = causesOf(error);
  let above = '';
  return chain.flatMap((one, index) => {
    const text = ownText(one, chain[index + 1]);
    // "map" threw: no number. That it was a TypeError with these very words is no news; where it was thrown is.
    const said = index > 0 && text !== '' && above.includes(text);
    above = text;
    return [
      ...(said ? [] : [`${index === 0 ? '' : `caused by ${nameOf(one)}`}${indented(text)}`]),
      ...detailsOf(one, { above: chain[index - 1], said }, options),
      ...(options.verbose ? framesOf(one) : []),
    ];
  });
}

/** The whole chain as a message: what happened, what it came from, and the line that threw. */
export function chainText(error: unknown): string {
  const [first, ...causes] = causesOf(error);
  let text = messageOf(first);
  for (const cause of causes) {
    const words = messageOf(cause);
    if (!text.includes(words)) text = `${text.replace(/\.$/, '')}, caused by ${nameOf(cause)}${words}`;
  }
  const thrown = [...causes]
    .reverse()
    .map(thrownAt)
    .find((place) => place !== undefined);
  return thrown === undefined ? text : `${text} (thrown at ${shownText(thrown)})`;
}

function nameOf(error: unknown): string {
  return error instanceof Error ? `${shortText(String(error.name))}: ` : '';
}

/** Only the frames: what stands above them is the message, as it was thrown. */
function framesOf(error: unknown): string[] {
  const lines = error instanceof Error ? String(error.stack ?? '').split('\n') : [];
  return lines.filter((line) => /^\s*at /.test(line)).map((line) => `  ${shownText(line.trim())}`);
}

function causesOf(error: unknown): readonly unknown[] {
  const chain: unknown[] = [error];
  let last = error;
  while (chain.length < CAUSES_MAX && last instanceof Error && last.cause !== undefined) {
    last = last.cause;
    if (chain.includes(last)) break;
    chain.push(last);
  }
  return chain;
}

function ownText(error: unknown, cause: unknown): string {
  const text = messageOf(error);
  if (!(error instanceof WeirError)) return text;
  const said = cause === undefined ? null : `: ${messageOf(cause)}`;
  // The cause may end the message as it came, or stand before what this error has added.
  const from = said === null ? -1 : text.lastIndexOf(said);
  if (from >= 0 && error instanceof JobFailedError) return text.slice(0, from);
  if (said !== null && text.endsWith(said)) return text.slice(0, -said.length);
  const own = withoutPlaces(withoutRemedy(withoutPlaces(text), error.remedy));
  return said !== null && own.endsWith(said) ? own.slice(0, -said.length) : own;
}

/** The words of an error without place and remedy: what is the same wherever it happens. */
export function plainWords(error: unknown): string {
  return ownText(error, undefined);
}

/** One of the error itself, and one that the task has added. */
function withoutPlaces(text: string): string {
  return text.replace(PLACE, '').replace(PLACE, '');
}

function withoutRemedy(text: string, remedy: string | undefined): string {
  return remedy !== undefined && text.endsWith(remedy) ? text.slice(0, -remedy.length).trimEnd() : text;
}

interface Told {
  /** The error whose cause this one is. */
  readonly above: unknown;
  /** Its words stand above already. */
  readonly said: boolean;
}

function detailsOf(error: unknown, told: Told, options: ErrorReportOptions): string[] {
  const lines: string[] = [];
  const thrown = options.verbose ? undefined : thrownAt(error);
  if (!(error instanceof WeirError)) {
    if (thrown === undefined) return lines;
    const kind = told.said && error instanceof Error ? ` (${shortText(String(error.name))})` : '';
    return [`  ${told.said ? 'thrown at' : 'at'} ${shorter(thrown, options)}${kind}`];
  }
  const where = placeOf(error);
  if (where !== '') lines.push(`  where  ${shownText(where)}`);
  if (error.record !== undefined) lines.push(`  record  ${shownText(error.record)}`);
  if (error.declaredAt !== undefined) lines.push(`  declared at ${shorter(error.declaredAt, options)}`);
  if (thrown !== undefined) lines.push(`  thrown at ${shorter(thrown, options)}`);
  if (error instanceof JobFailedError && error.suppressed.length > 0) lines.push(...earlier(error, options));
  const advised = told.above instanceof WeirError && told.above.remedy === error.remedy;
  if (error.remedy !== undefined && !advised) lines.push(`  what to do: ${shownText(error.remedy)}`);
  return lines;
}

/** Of an error of Weir without a cause: the call that Weir refused, if it was one of an operator's functions. */
function thrownAt(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error instanceof WeirError) {
    const own = error.operator === undefined || error.cause !== undefined;
    if (own || stackPlaces.bundled) return undefined;
  }
  return stackPlaces.throwerIn(error.stack);
}

function placeOf(error: WeirError): string {
  const subtask = error.subtask === undefined ? '' : `subtask ${error.subtask}`;
  const operator = error.operator === undefined ? '' : `operator "${error.operator}"`;
  return [operator, subtask, error.position ?? ''].filter((part) => part !== '').join(', ');
}

function earlier(error: JobFailedError, options: ErrorReportOptions): string[] {
  const count = error.suppressed.length;
  const head = `  ${count} earlier ${count === 1 ? 'failure' : 'failures'}`;
  if (!options.verbose) return [`${head}; --verbose shows them`];
  return [`${head}:`, ...error.suppressed.map((one) => `    ${messageOf(one).split('\n')[0] ?? ''}`)];
}

function shorter(place: string, options: ErrorReportOptions): string {
  const short = options.directory === null ? place : relative(options.directory, place);
  return shownText(short.startsWith('..') || short.length >= place.length ? place : short);
}

function indented(text: string): string {
  return text.trimEnd().replaceAll('\n', '\n  ');
}
