// Faults, triggers and times in words.
//
// Owns:    one line per planned fault, as a person would say it.
// Not:     plans (plan.ts), whole reports (failure-report.ts).
//
// W1. Every fault of a plan has a line that says all of it: what, where, when, how often, how long. Defaults are left out.

import { unreachable } from '../base/assert.js';
import { FAULT_KINDS, type FaultKindInfo, type FaultTarget, type ParameterInfo } from './fault-kinds.js';
import type { PlannedFault, Trigger } from './plan.js';
import { JOB_ROLES } from './scenario-options.js';

const ROLES: ReadonlySet<string> = new Set(JOB_ROLES);

/** `the coordinator dies at prepare.done, the 2nd time`. Faults are named by their index in the plan, as `after` does. */
export function faultInWords(fault: PlannedFault): string {
  const info = FAULT_KINDS.get(fault.kind);
  if (info === undefined) return `${fault.kind} of ${fault.target}`;
  const what = `${hit(info, fault.target)}${parametersInWords(fault, info)}`;
  return [
    `${what}${triggerInWords(fault)}`,
    ...(fault.after === undefined ? [] : [`once fault ${fault.after} has fired`]),
    ...timesInWords(fault.times),
    ...(fault.forMs === undefined ? [] : [`for ${showMs(fault.forMs)}`]),
  ].join(', ');
}

/** `250 ms`, `1.5 s`, `2 min`; exact, because people search for it in a timeline. */
export function showMs(ms: number): string {
  const rounded = Math.round(ms * 1_000) / 1_000;
  if (Math.abs(rounded) < 1_000) return `${rounded} ms`;
  if (Math.abs(rounded) < 60_000) return `${rounded / 1_000} s`;
  return `${Math.round(rounded / 6) / 10_000} min`;
}

/** `1 fault`, `1,200 faults`; `many` where the plural is not one with s. */
export function numberOf(count: number, one: string, many = `${one}s`): string {
  return `${showCount(count)} ${count === 1 ? one : many}`;
}

/** `1234567` is `1,234,567`. */
export function showCount(count: number): string {
  return Math.round(count).toLocaleString('en-US');
}

export function actorInWords(target: string): string {
  if (target === '*') return 'any actor';
  return ROLES.has(target) ? `the ${target}` : target;
}

// Titles speak of "the actor" or "the handler" where they can; everything else says the place behind.
function hit(info: FaultKindInfo, target: string): string {
  const { title } = info;
  if (info.target === 'actor') {
    if (title.startsWith('the actor ')) return title.replace('the actor', actorInWords(target));
    if (title.startsWith('the handler ')) {
      return title.replace('the handler', `the handler of ${actorInWords(target)}`);
    }
  }
  return `${title}${place(info.target, target)}`;
}

function place(kind: FaultTarget, target: string): string {
  const any = target === '*' || target === '' || target === '* -> *';
  switch (kind) {
    case 'actor':
      return any ? '' : ` (${target})`;
    case 'link':
      return any ? ' on any link' : ` on ${target}`;
    case 'store':
    case 'files':
    case 'input':
    case 'output':
    case 'network':
    case 'process':
    case 'job':
    case 'clock':
    case 'telemetry':
      return any || target === kind ? '' : ` (${target})`;
    default:
      return unreachable(kind);
  }
}

function parametersInWords(fault: PlannedFault, info: FaultKindInfo): string {
  const texts = Object.entries(info.parameters).map(([name, parameter]) =>
    parameterInWords(name, parameter, fault.parameters?.[name] ?? parameter.default),
  );
  return texts.length === 0 ? '' : ` (${texts.join(', ')})`;
}

function parameterInWords(name: string, info: ParameterInfo, value: number): string {
  return info.unit === 'ms' ? showMs(value) : `${name} ${value}`;
}

function triggerInWords(fault: PlannedFault): string {
  const trigger: Trigger = fault.trigger;
  switch (trigger.kind) {
    case 'nth':
      return `, the ${ordinal(trigger.n)} time`;
    case 'every':
      return trigger.n === 1 ? ', every time' : `, every ${ordinal(trigger.n)} time`;
    case 'step':
      return `${stepInWords(trigger, fault.target)}${trigger.n === 1 ? '' : `, the ${ordinal(trigger.n)} time`}`;
    case 'time':
      return `, ${showMs(trigger.ms)} after the start`;
    case 'when':
      return `, while "${trigger.predicate}" holds`;
    case 'chance':
      return `, each time with probability ${trigger.probability}`;
    case 'during':
      return `, while fault ${trigger.fault} is in effect`;
    default:
      return unreachable(trigger);
  }
}

function stepInWords(trigger: Extract<Trigger, { readonly kind: 'step' }>, target: string): string {
  const { step, role } = trigger;
  return role === undefined || role === target
    ? ` at ${step}`
    : ` when ${actorInWords(role)} reaches ${step}`;
}

function timesInWords(times: number | null | undefined): string[] {
  if (times === undefined || times === 1) return [];
  return [times === null ? 'for ever' : `at most ${times} times`];
}

function ordinal(n: number): string {
  const tens = n % 100;
  if (tens >= 11 && tens <= 13) return `${n}th`;
  return `${n}${['th', 'st', 'nd', 'rd'][n % 10] ?? 'th'}`;
}
