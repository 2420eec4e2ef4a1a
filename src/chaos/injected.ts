// What an injected fault looks like to the program that it hits.
//
// I1. Only these errors are injected: whoever sees another one has found something.

export class InjectedFault extends Error {
  override readonly name = 'InjectedFault';
  /** Index in the plan. */
  readonly fault: number;

  constructor(fault: number, message: string) {
    super(`injected: ${message}`);
    this.fault = fault;
  }
}

/** Whether an injected fault is somewhere among the causes of an error. */
export function isInjected(error: unknown): boolean {
  return causesOf(error).some((cause) => cause instanceof InjectedFault);
}

/** The error, its cause, the cause of that, and so on; parts of an AggregateError too. */
export function causesOf(error: unknown): readonly unknown[] {
  const found: unknown[] = [];
  const visit = (each: unknown): void => {
    if (each === undefined || each === null || found.includes(each) || found.length >= CAUSES_MAX) return;
    found.push(each);
    if (each instanceof AggregateError) each.errors.forEach(visit);
    if (each instanceof Error) visit(each.cause);
  };
  visit(error);
  return found;
}

const CAUSES_MAX = 32;
