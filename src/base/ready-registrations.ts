// Registrations for classes that many programs have: decimals, URL, Temporal.
//
// Owns:    how these are written. The classes stay the program's: Weir depends on none of them.
// Not:     registering them (class-registry.ts): a program registers what it uses.
//
// Y1. What is written here is in stored bytes: a change must go on reading it.

/** For Decimal of decimal.js: `registerType(Decimal, decimalType)`. Exact, -0, NaN and infinities included. */
export const decimalType = {
  name: 'decimal.js',
  encode: (value: { valueOf(): string }): string => value.valueOf(),
  decode: <T>(text: string, type: new (text: string) => T): T => new type(text),
} as const;

interface BigLike {
  readonly s: number;
  toFixed(): string;
}

/** For Big of big.js: `registerType(Big, bigType)`. Exact, -0 included, in strict mode too. */
export const bigType = {
  name: 'big.js',
  // -0 has a sign that toFixed leaves out, and valueOf, which keeps it, throws in strict mode.
  encode: (value: BigLike): string => {
    const text = value.toFixed();
    return value.s < 0 && !text.startsWith('-') ? `-${text}` : text;
  },
  decode: <T>(text: string, type: new (text: string) => T): T => new type(text),
} as const;

/** For URL: `registerType(URL, urlType)`. */
export const urlType = {
  name: 'URL',
  encode: (value: { readonly href: string }): string => value.href,
  decode: <T>(href: string, type: new (href: string) => T): T => new type(href),
} as const;

/**
 * For each class of Temporal that a program stores, of the host or of a polyfill: `registerType(Temporal.Instant, temporalType)`.
 * A ZonedDateTime keeps its exact instant, also when the rules of its zone have changed since.
 */
export const temporalType = {
  encode: (value: { toString(): string }): string => value.toString(),
  decode: <T>(text: string, type: { from(text: string): T }): T => {
    const from = type.from as (text: string, options: { readonly offset: 'use' }) => T;
    return from.call(type, text, { offset: 'use' });
  },
} as const;
