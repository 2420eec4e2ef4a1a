// An error for the person who has to do something about it.
//
// Owns:    the chain of causes as lines: what happened, where, what to do. Stacks only when asked for.
// Not:     where the lines go.
//
// E1. Everything is said once: a message that repeats its cause, its place or its remedy loses that part here.
// E2. Of a stack, the first line outside of Weir is shown: where the reader can change something.

import { relative } from 'node:path';
import { JobFailedError, messageOf, WeirError } from '../base/errors.js';
import { stackPlaces } from '../base/stack-places.js';

const CAUSES_MAX = 8;
/** What compose() in errors.ts and WeirError.at() add to a message. */
const PLACE = / \[(?:operator "|at |declared )[^\n]*\]$/;

export interface ErrorReportOptions {
  /** With the stacks of all errors. */
  readonly verbose: boolean;
  /** Paths are shown relative to it. */
  readonly directory: string;
}

/** Lines without indentation for what happened, indented ones for the details. */
export function reportError(error: unknown, options: ErrorReportOptions): readonly string[] {
  const chain = causesOf(error);
  return chain.flatMap((one, index) => {
    const text = indented(ownText(one, chain[index + 1]));
    const head = index === 0 ? text : `caused by ${one instanceof Error ? `${one.name}: ` : ''}${text}`;
    const stack = options.verbose && one instanceof Error ? (one.stack ?? '').split('\n').slice(1) : [];
    return [
      head,
      ...detailsOf(one, chain[index - 1], options),
      ...stack.map((line) => `  ${line.trimStart()}`),
    ];
  });
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
  if (said !== null && text.endsWith(said)) return text.slice(0, -said.length);
  const own = withoutRemedy(text.replace(PLACE, ''), error.remedy).replace(PLACE, '');
  return said !== null && own.endsWith(said) ? own.slice(0, -said.length) : own;
}

function withoutRemedy(text: string, remedy: string | undefined): string {
  return remedy !== undefined && text.endsWith(remedy) ? text.slice(0, -remedy.length).trimEnd() : text;
}

function detailsOf(error: unknown, above: unknown, options: ErrorReportOptions): string[] {
  const lines: string[] = [];
  if (error instanceof WeirError) {
    const where = placeOf(error);
    if (where !== '') lines.push(`  where  ${where}`);
    if (error.declaredAt !== undefined) lines.push(`  declared at ${shorter(error.declaredAt, options)}`);
    if (error instanceof JobFailedError && error.suppressed.length > 0)
      lines.push(...earlier(error, options));
    const advised = above instanceof WeirError && above.remedy === error.remedy;
    if (error.remedy !== undefined && !advised) lines.push(`  what to do: ${error.remedy}`);
    return lines;
  }
  const frame = error instanceof Error && !options.verbose ? stackPlaces.throwerIn(error.stack) : undefined;
  if (frame !== undefined) lines.push(`  at ${shorter(frame, options)}`);
  return lines;
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
  const short = relative(options.directory, place);
  return short.startsWith('..') || short.length >= place.length ? place : short;
}

function indented(text: string): string {
  return text.trimEnd().replaceAll('\n', '\n  ');
}
