import { describe, expect, test } from 'vitest';
import { missingTypes, registerType } from '../../src/base/class-registry.js';
import { decode, encode, encodeNoting, typesNeededBy } from '../../src/base/codec.js';
import { CodecError, ConfigError } from '../../src/base/errors.js';
import { bigType, decimalType, temporalType, urlType } from '../../src/base/ready-registrations.js';

class Money {
  readonly cents: bigint;
  readonly currency: string;
  constructor(cents: bigint, currency: string) {
    this.cents = cents;
    this.currency = currency;
  }
}
registerType(Money, {
  name: 'test/Money',
  encode: ({ cents, currency }) => ({ cents, currency }),
  decode: ({ cents, currency }, Type) => new Type(cents, currency),
});

const roundTrip = (value: unknown): unknown => decode(encode(value));

test('instances of a registered class come back as instances, wherever they stand', () => {
  const money = new Money(-5n, 'EUR');
  for (const value of [
    money,
    [money],
    { a: { money } },
    new Map([[money, money]]),
    new Set([money]),
    [money, -0],
  ])
    expect(roundTrip(value)).toStrictEqual(value);
});

test('an instance that is in two places comes back as one', () => {
  const money = new Money(1n, 'EUR');
  const [first, second] = roundTrip([money, { money }]) as [Money, { money: Money }];
  expect(second.money).toBe(first);
});

test('encode tells which types decoding will need', () => {
  const types = new Set<string>();
  encodeNoting({ plain: true }, types);
  expect([...types]).toEqual([]);
  const bytes = encodeNoting([new Money(1n, 'EUR')], types);
  expect([...types]).toEqual(['test/Money']);
  expect(typesNeededBy(bytes)).toEqual(['test/Money']);
  expect(typesNeededBy(encode({ plain: true }))).toEqual([]);
});

test('a type may be written as another registered type', () => {
  class Price {
    readonly money: Money;
    constructor(money: Money) {
      this.money = money;
    }
  }
  registerType(Price, {
    name: 'test/Price',
    encode: (price) => price.money,
    decode: (money) => new Price(money),
  });
  const value = { price: new Price(new Money(3n, 'CHF')) };
  expect(roundTrip(value)).toStrictEqual(value);
});

test('a cycle through an instance of a registered type is refused with its place', () => {
  class Knot {
    next: unknown = null;
  }
  registerType(Knot, { name: 'test/Knot', encode: (knot) => [knot.next], decode: () => new Knot() });
  const knot = new Knot();
  const holder = { knot };
  expect(roundTrip(holder)).toStrictEqual(holder);
  knot.next = holder;
  expect(() => encode(holder)).toThrow(
    'a cycle through an instance of a registered type at value.knot.encode()[0].',
  );
});

test('a subclass needs a registration of its own', () => {
  class Tip extends Money {}
  expect(() => encode({ tip: new Tip(1n, 'EUR') })).toThrow('an instance of Tip at value.tip.');
});

test('an encode that answers what is no data, or throws, is named', () => {
  class Bad {}
  registerType(Bad, { name: 'test/Bad', encode: () => ({ run: () => 1 }), decode: () => new Bad() });
  expect(() => encode([new Bad()])).toThrow('a function at value[0].encode().run.');
  registerType(Bad, {
    name: 'test/Bad',
    encode: () => {
      throw new Error('no');
    },
    decode: () => new Bad(),
  });
  expect(() => encode([new Bad()])).toThrow('whose encode threw "no" at value[0].');
});

describe('registrations', () => {
  test('a name stands for one class', () => {
    class Other {}
    const definition = { name: 'test/Money', encode: () => 1, decode: () => new Other() };
    expect(() => registerType(Other, definition)).toThrow('Two classes are registered as type "test/Money".');
    expect(() => registerType(Other, definition)).toThrow(ConfigError);
  });

  test('a class has one name', () => {
    const definition = { name: 'test/Cash', encode: () => 1, decode: () => new Money(1n, '') };
    expect(() => registerType(Money, definition)).toThrow('registered as "test/Money" and as "test/Cash"');
  });

  test('built-in classes and classes without name are refused', () => {
    expect(() => registerType(Map, { encode: () => 1, decode: () => new Map() })).toThrow(
      'stored as they are',
    );
    const nameless = (() => class {})();
    expect(() => registerType(nameless, { encode: () => 1, decode: () => new nameless() })).toThrow(
      'without name',
    );
  });
});

test('bytes of a type that nobody has registered are refused by its name', () => {
  const text = Buffer.from(encode(new Money(1n, 'EUR'))).toString('latin1');
  const bytes = Buffer.from(text.replace('test/Money', 'test/Honey'), 'latin1');
  expect(() => decode(bytes)).toThrow('the type "test/Honey", which nobody has registered');
  expect(() => decode(bytes)).toThrow(CodecError);
  expect(missingTypes(['test/Money', 'test/Honey', 'test/Honey'])).toEqual(['test/Honey']);
});

describe('ready types', () => {
  test('URL', () => {
    registerType(URL, urlType);
    const back = roundTrip({ url: new URL('https://weir.example/a?b=1#c') }) as { url: URL };
    expect(back.url).toBeInstanceOf(URL);
    expect(back.url.href).toBe('https://weir.example/a?b=1#c');
  });

  // As decimal.js and big.js have it: the sign of zero is in `valueOf` of the one, and in `s` alone of the other.
  class Decimal {
    readonly text: string;
    constructor(text: string) {
      this.text = text;
    }
    valueOf(): string {
      return this.text;
    }
    toString(): string {
      return this.text === '-0' ? '0' : this.text;
    }
  }
  class Big {
    readonly s: number;
    readonly digits: string;
    constructor(text: string) {
      this.s = text.startsWith('-') ? -1 : 1;
      this.digits = text.replace('-', '');
    }
    toFixed(): string {
      return this.s < 0 && this.digits !== '0' ? `-${this.digits}` : this.digits;
    }
    valueOf(): string {
      throw new Error('strict');
    }
  }
  test.each(['0', '-0', '1.10', '-12345678901234567890.000000001', 'NaN', '-Infinity'])(
    'decimal.js: %s',
    (text) => {
      registerType(Decimal, decimalType);
      expect(roundTrip(new Decimal(text))).toStrictEqual(new Decimal(text));
    },
  );
  test.each(['0', '-0', '1.1', '-123456789012345678901234567890'])('big.js: %s', (text) => {
    registerType(Big, bigType);
    expect(roundTrip(new Big(text))).toStrictEqual(new Big(text));
  });

  test('Temporal: the text of a value and `from`', () => {
    class Instant {
      readonly text: string;
      private constructor(text: string) {
        this.text = text;
      }
      static from(text: string): Instant {
        return new Instant(text);
      }
      toString(): string {
        return this.text;
      }
    }
    registerType(Instant, temporalType);
    expect(roundTrip(Instant.from('2030-01-01T00:00:00Z'))).toStrictEqual(
      Instant.from('2030-01-01T00:00:00Z'),
    );
  });
});
