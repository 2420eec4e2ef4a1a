// Maps and filters in a row, as one loop.
//
// Owns:    the loop: generated code, or closures where the host forbids to generate code; which step a failure came from.
// Not:     which operators stand in a row (src/graph/chains.ts).
//
// F1. A fused row does exactly what its steps do one after the other; timestamps stay (semantics 1.1).
// F2. A failure names the step that failed, not the row. A failure further down the chain passes through as it is.
// F3. Each row has code of its own, so its call sites know one function each and the engine inlines it: that is the whole
//     gain over operator objects that call each other (2.3 times as many records/s in the measurements of this project).

import { AsyncIteration, isLater } from '../base/at-once.js';
import { atBatchIndex } from '../base/errors.js';
import { shownText } from '../base/shown-text.js';
import { generate } from './generated-code.js';
import type { Operator, OperatorContext, Output } from './operator.js';
import type { NamedStep, StatelessStep } from './stateless-step.js';
import { expectNow, userError } from './user-code.js';

/** A row of steps as one operator. `codegen: false` takes closures, as on hosts that forbid `new Function`. */
export function fuseStateless(
  steps: readonly NamedStep[],
  options: { readonly codegen?: boolean } = {},
): Operator {
  return new FusedOperator(steps, options.codegen ?? true);
}

/** Applies `apply` to each value. Undefined and null are values, not omissions. */
export function mapOperator<In, Out>(apply: (value: In) => Out): Operator {
  return single({ kind: 'map', apply });
}

/** Keeps the records for which `keep` answers something truthy. */
export function filterOperator<In>(keep: (value: In) => unknown): Operator {
  return single({ kind: 'filter', keep });
}

/** A name of its own only comes with the context; see `open`. */
const NAMED_BY_CONTEXT = '';

function single(step: StatelessStep): Operator {
  return fuseStateless([{ step, name: NAMED_BY_CONTEXT, declaredAt: undefined }]);
}

type StepFunction = (value: unknown) => unknown;

/** Throws the error of step `step`, given what it threw, or what it wrongly answered. */
interface Failure {
  threw(cause: unknown, step: number, index: number): never;
  /** Throws if the answer comes later. */
  check(answer: object, step: number, index: number): void;
  /** The chain below failed: it does not know which record of the batch it was given. */
  below(cause: unknown, index: number): never;
}

interface Loop {
  record(value: unknown, timestamp: number): void;
  batch(
    values: readonly unknown[],
    timestamps: readonly number[],
    from: number,
    interrupted: () => boolean,
  ): number;
}

type LoopFactory = (output: Output, failure: Failure) => Loop;

class FusedOperator implements Operator {
  private readonly steps: readonly NamedStep[];
  private readonly codegen: boolean;
  private loop: Loop = closedLoop;

  constructor(steps: readonly NamedStep[], codegen: boolean) {
    this.steps = steps;
    this.codegen = codegen;
  }

  open(context: OperatorContext): void {
    const functions = this.steps.map(
      ({ step }) => (step.kind === 'map' ? step.apply : step.keep) as StepFunction,
    );
    const make =
      (this.codegen ? generateLoop(this.steps, functions) : null) ?? compose(this.steps, functions);
    this.loop = make(context.output, this.failureOf(context));
  }

  onRecord(value: unknown, timestamp: number): void {
    this.loop.record(value, timestamp);
  }

  onBatch(
    values: readonly unknown[],
    timestamps: readonly number[],
    from: number,
    interrupted: () => boolean,
  ): number {
    return this.loop.batch(values, timestamps, from, interrupted);
  }

  close(): void {
    this.loop = closedLoop;
  }

  private failureOf(context: OperatorContext): Failure {
    const placeOf = (index: number): { context: OperatorContext; doing: string } => {
      const step = this.steps[index];
      if (step === undefined) return { context, doing: 'a step' };
      const named =
        step.name === NAMED_BY_CONTEXT
          ? context
          : { ...context, name: step.name, declaredAt: step.declaredAt };
      return { context: named, doing: `the function ${nameOf(step.step)}of ${step.step.kind}` };
    };
    return {
      threw(cause, step, index) {
        const place = placeOf(step);
        throw userError(place.context, place.doing, cause, index < 0 ? undefined : index);
      },
      check(answer, step, index) {
        if (!isLater(answer)) return;
        const place = placeOf(step);
        expectNow(place.context, place.doing, answer, index < 0 ? undefined : index);
      },
      below(cause, index) {
        throw atBatchIndex(cause, index);
      },
    };
  }
}

/** `parseHit ` where the function has a name of its own. */
function nameOf(step: StatelessStep): string {
  const { name } = step.kind === 'map' ? step.apply : step.keep;
  return name === '' ? '' : `${shownText(name)} `;
}

const closedLoop: Loop = { record: refuseClosed, batch: refuseClosed };

function refuseClosed(): never {
  throw new Error('A record reached an operator that is not open.');
}

function generateLoop(steps: readonly NamedStep[], functions: readonly StepFunction[]): LoopFactory | null {
  const given = Object.fromEntries(functions.map((each, index) => [`f${index}`, each]));
  return generate<LoopFactory>({ ...given, AsyncIteration }, sourceOf(steps));
}

/**
 * `step` says where a failure came from: -1 is the chain below, whose failures are not ours to explain. Whether the task
 * wants to interrupt is asked after each emission only, because nothing else can make it want to.
 */
function sourceOf(steps: readonly NamedStep[]): string {
  const body = (index: string, drop: string): string =>
    steps.map(({ step }, at) => stepSource(step, at, index, drop)).join('\n');
  const unseen = steps.map((_, at) => `let unseen${at} = true;`).join(' ');
  return `return function (output, failure) {
  ${unseen}
  return {
    record(value, timestamp) {
      let step = 0;
      try {
        ${body('-1', 'return')}
        step = -1;
        output.emit(value, timestamp);
      } catch (cause) {
        if (step < 0) throw cause;
        failure.threw(cause, step, -1);
      }
    },
    batch(values, timestamps, from, interrupted) {
      const length = values.length;
      let index = from;
      let step = 0;
      try {
        for (; index < length; index += 1) {
          let value = values[index];
          ${body('index', 'continue')}
          step = -1;
          output.emit(value, timestamps[index]);
          if (interrupted()) return index + 1;
        }
      } catch (cause) {
        if (step < 0) failure.below(cause, index);
        failure.threw(cause, step, index);
      }
      return length;
    },
  };
};`;
}

/**
 * An async generator function always answers what comes later, so its first answer tells; to ask of each would cost a fifth of the
 * throughput of a line of maps.
 */
function stepSource(step: StatelessStep, at: number, index: string, drop: string): string {
  if (step.kind === 'map') {
    return `step = ${at}; value = f${at}(value);
if (value instanceof Promise || (unseen${at} && value instanceof AsyncIteration)) failure.check(value, ${at}, ${index});
unseen${at} = false;`;
  }
  return `step = ${at}; { const kept = f${at}(value);
if (kept !== true) { if (!kept) ${drop}; if (typeof kept === 'object') failure.check(kept, ${at}, ${index}); } }`;
}

/** The same with closures: slower, because all rows share these call sites. */
function compose(steps: readonly NamedStep[], functions: readonly StepFunction[]): LoopFactory {
  const filters = steps.map(({ step }) => step.kind === 'filter');
  return (output, failure) => {
    const handle = (given: unknown, timestamp: number, index: number): void => {
      let value = given;
      let step = 0;
      try {
        for (; step < functions.length; step += 1) {
          const answer = (functions[step] as StepFunction)(value);
          if (typeof answer === 'object' && answer !== null) {
            failure.check(answer, step, index);
          }
          if (!filters[step]) value = answer;
          else if (!answer) return;
        }
      } catch (cause) {
        failure.threw(cause, step, index);
      }
      output.emit(value, timestamp);
    };
    return {
      record: (value, timestamp) => handle(value, timestamp, -1),
      batch(values, timestamps, from, interrupted) {
        let index = from;
        try {
          for (; index < values.length; index += 1) {
            handle(values[index], timestamps[index] as number, index);
            if (interrupted()) return index + 1;
          }
        } catch (cause) {
          failure.below(cause, index);
        }
        return values.length;
      },
    };
  };
}
