// Tests an operator the hard way: with a crash between every two elements.
//
// Owns:    what a test writes (`verifyOperator(...).input(...).expect(...)`), and the runs that it stands for.
// Not:     driving one operator (operator-driver.ts).
//
// H1. Every check runs four times: straight through; snapshotted and restored into a new instance between every two elements,
//     once from full snapshots and once from increments; and with room for one result at a time. All must give the same.
// H2. After a restore the operator is told nothing: what it needs must have been in its state (semantics X3). Only the
//     watermark that its context shows is the one of before, as if it had been derived again.

import { inspect, isDeepStrictEqual } from 'node:util';
import { WeirError, type WeirErrorCode } from '../base/errors.js';
import { MIN_TIMESTAMP } from '../base/timestamps.js';
import type { Operator } from '../operators/operator.js';
import { OperatorDriver } from './operator-driver.js';
import type { OperatorOutput, OperatorStep } from './operator-script.js';

export {
  clock,
  END,
  idle,
  type OperatorOutput,
  type OperatorStep,
  record,
  side,
  watermark,
} from './operator-script.js';

export interface VerifyOptions {
  /** False: the operator gets no keyed state. Default true. */
  readonly keyed?: boolean;
  /** False: only the runs without restores, for operators whose output depends on what is not state. Default true. */
  readonly restores?: boolean;
  /** No keyed state may be left at the end. Default false. */
  readonly leavesNoState?: boolean;
  /** True: with room for one result at a time the operator never emits a second one before it is resumed. Default false. */
  readonly suspends?: boolean;
  /** Wall clock at the start, milliseconds. Default 0. */
  readonly startMs?: number;
}

type RunKind =
  | 'straight'
  | 'restored from full snapshots'
  | 'restored from increments'
  | 'with room for one result at a time';

/** `create` makes a new instance of the operator under test each time. */
export function verifyOperator(create: () => Operator, options: VerifyOptions = {}): OperatorCheck {
  return new OperatorCheck(create, options);
}

export class OperatorCheck {
  private readonly create: () => Operator;
  private readonly options: VerifyOptions;
  private steps: readonly OperatorStep[] = [];

  constructor(create: () => Operator, options: VerifyOptions) {
    this.create = create;
    this.options = options;
  }

  input(...steps: readonly OperatorStep[]): this {
    this.steps = [...this.steps, ...steps];
    return this;
  }

  /** Runs the check; throws an error that shows both outputs when a run differs. */
  expect(...outputs: readonly OperatorOutput[]): void {
    for (const kind of this.kinds()) {
      const driver = this.run(kind);
      if (!isDeepStrictEqual(driver.outputs, outputs)) throw mismatch(kind, outputs, driver.outputs);
      if (this.options.leavesNoState === true && driver.stateSize > 0) {
        throw new Error(`Run "${kind}": expected no state at the end, ${driver.stateSize} entries are left.`);
      }
    }
  }

  /** Runs the check and answers the outputs, which all runs must agree on. For property tests. */
  outputs(): readonly OperatorOutput[] {
    const [first, ...others] = this.kinds();
    const expected = this.run(first ?? 'straight').outputs;
    for (const kind of others) {
      const { outputs } = this.run(kind);
      if (!isDeepStrictEqual(outputs, expected)) throw mismatch(kind, expected, outputs);
    }
    return expected;
  }

  /** Expects every run to fail with an error of this code whose message contains the text, and answers it. */
  fails(code: WeirErrorCode, text = ''): WeirError {
    let caught: WeirError | null = null;
    for (const kind of this.kinds()) caught = this.failureOf(kind, code, text);
    if (caught === null) throw new Error('At least one run was expected.');
    return caught;
  }

  private failureOf(kind: RunKind, code: WeirErrorCode, text: string): WeirError {
    try {
      this.run(kind);
    } catch (error) {
      if (error instanceof WeirError && error.code === code && error.message.includes(text)) return error;
      throw new Error(`Run "${kind}": expected ${code} with "${text}", got ${inspect(error)}`, {
        cause: error,
      });
    }
    throw new Error(`Run "${kind}": expected ${code}, got no error.`);
  }

  private kinds(): readonly RunKind[] {
    const restores: readonly RunKind[] = ['restored from full snapshots', 'restored from increments'];
    return [
      'straight',
      ...(this.options.restores === false ? [] : restores),
      'with room for one result at a time',
    ];
  }

  private run(kind: RunKind): OperatorDriver {
    const driver = new OperatorDriver(this.create, {
      keyed: this.options.keyed ?? true,
      narrow: kind === 'with room for one result at a time',
      startMs: this.options.startMs ?? 0,
    });
    driver.open();
    try {
      const batches = kind === 'straight';
      for (const step of this.steps) {
        if (batches) driver.stepInBatches(step);
        else driver.step(step);
        if (kind === 'restored from full snapshots') driver.crash('full');
        if (kind === 'restored from increments') driver.crash('incremental');
      }
      driver.flush();
      if (this.options.suspends === true && driver.overdraft > 0) {
        throw new Error(
          `Run "${kind}": ${driver.overdraft} results were emitted although the output was full.`,
        );
      }
    } finally {
      driver.close();
    }
    return driver;
  }
}

function mismatch(kind: RunKind, expected: readonly OperatorOutput[], got: readonly OperatorOutput[]): Error {
  const at = expected.findIndex((output, index) => !isDeepStrictEqual(output, got[index]));
  const first = at === -1 ? expected.length : at;
  return new Error(
    `Run "${kind}" differs from output ${first} on.\n  expected: ${list(expected)}\n  got:      ${list(got)}`,
  );
}

function list(outputs: readonly OperatorOutput[]): string {
  return outputs.map(show).join(', ') || 'nothing';
}

function show(output: OperatorOutput): string {
  switch (output.kind) {
    case 'record':
      return `${inspect(output.value, { breakLength: Number.POSITIVE_INFINITY })}@${time(output.timestamp)}`;
    case 'side':
      return `${output.tag}:${inspect(output.value, { breakLength: Number.POSITIVE_INFINITY })}@${time(output.timestamp)}`;
    case 'watermark':
      return `WM(${time(output.time)})`;
    case 'idle':
      return output.idle ? 'IDLE' : 'ACTIVE';
    default:
      return 'END';
  }
}

function time(timestamp: number): string {
  return timestamp === MIN_TIMESTAMP ? 'none' : String(timestamp);
}
