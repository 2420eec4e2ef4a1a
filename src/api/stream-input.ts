// What env.from accepts: a source, or values as the language has them.
//
// Owns:    telling the kinds apart, and choosing the source for each.
// Not:     the sources themselves (src/connectors).

import { arraySource, iterableSource } from '../connectors/array-source.js';
import {
  asyncIterableSource,
  type ReadableStreamLike,
  readableStreamSource,
} from '../connectors/async-source.js';
import type { Source } from '../operators/source.js';

/**
 * A source; or an array, a Set, a generator, an async iterable, a ReadableStream. Arrays and iterables that begin anew each
 * time can be read again after a failure; iterators, async iterables and streams cannot.
 */
export type StreamInput<T> = Source<T> | Iterable<T> | AsyncIterable<T> | ReadableStreamLike<T>;

/** The source for an input, or null when it is none of these. */
export function sourceOf<T>(input: StreamInput<T>): Source<T> | null {
  // Text can be iterated, but nobody means a stream of its characters.
  if (typeof input !== 'object' || input === null) return null;
  if (isSource(input)) return input;
  if (Array.isArray(input)) return arraySource<T>(input);
  if (isIterable(input)) return iterableSource(input);
  // A stream of Node is both; reading it as a stream locks it, so that nobody else takes chunks meanwhile.
  if (isReadableStream(input)) return readableStreamSource(input);
  if (isAsyncIterable(input)) return asyncIterableSource(input);
  return null;
}

function isSource<T>(input: object): input is Source<T> {
  return (
    'discover' in input &&
    'open' in input &&
    typeof input.discover === 'function' &&
    typeof input.open === 'function'
  );
}

function isIterable<T>(input: StreamInput<T>): input is Iterable<T> {
  return Symbol.iterator in input;
}

function isAsyncIterable<T>(input: StreamInput<T>): input is AsyncIterable<T> {
  return Symbol.asyncIterator in input;
}

function isReadableStream<T>(input: StreamInput<T>): input is ReadableStreamLike<T> {
  return 'getReader' in input && typeof input.getReader === 'function';
}
