// What happened, in virtual time: the few lines around the faults, the tree of actors, the last events of those involved.
//
// Owns:    which of many events are shown, and how.
// Not:     recording them.
//
// T1. Every fault that fired is shown, then what is nearest to one; protocol steps and lives before messages.
// T2. Where lines are left out, the reader sees that.

import type { ActorTreeNode, Outcome, RunTrace, TraceEvent } from './execution.js';
import { numberOf } from './report-words.js';

export const TIMELINE_LINES_MAX = 20;
export const ACTOR_EVENTS_MAX = 20;
export const ACTORS_MAX = 4;
const TEXT_LENGTH_MAX = 100;

/** A message is worth a line when it is so many times nearer to a fault than anything else. */
const MESSAGE_DISTANCE = 4;

export function timelineLines(trace: RunTrace): readonly string[] {
  const { events } = trace;
  const faults = events.flatMap((event, index) => (event.kind === 'fault' ? [index] : []));
  // Without faults the end is what matters: it is where the check was violated.
  const centers = faults.length > 0 ? faults : [events.length - 1];
  const chosen = events
    .map((event, index) => ({ index, rank: rankOf(event, index, centers, events.length) }))
    .sort((a, b) => a.rank - b.rank || a.index - b.index)
    .slice(0, TIMELINE_LINES_MAX)
    .map(({ index }) => index)
    .sort((a, b) => a - b);
  return lines(events, chosen);
}

/** Of each actor that the faults or the counterexample name, or that was restarted: its last events. */
export function actorLines(outcome: Outcome, trace: RunTrace): readonly string[] {
  return involved(outcome, trace).flatMap((actor) => {
    const own = trace.events.filter((event) => event.actor === actor);
    const shown = own.slice(-ACTOR_EVENTS_MAX);
    const left = own.length - shown.length;
    const head = left === 0 ? actor : `${actor} (${numberOf(left, 'earlier event')} left out)`;
    return [head, ...shown.map((event) => `  ${eventLine(event, false)}`)];
  });
}

/** The tree of actors, indented, with restarts and last errors. */
export function treeLines(node: ActorTreeNode, depth = 0): readonly string[] {
  const restarts = node.restarts === 0 ? '' : `, ${numberOf(node.restarts, 'restart')}`;
  const error = node.lastError === null ? '' : `, last error: ${oneLine(node.lastError)}`;
  return [
    `${'  '.repeat(depth)}${node.name}  ${node.state}${restarts}${error}`,
    ...node.children.flatMap((child) => treeLines(child, depth + 1)),
  ];
}

function rankOf(event: TraceEvent, index: number, centers: readonly number[], count: number): number {
  const distance = centers.reduce((least, center) => Math.min(least, Math.abs(index - center)), count);
  return event.kind === 'message' ? distance * MESSAGE_DISTANCE : distance;
}

function lines(events: readonly TraceEvent[], chosen: readonly number[]): readonly string[] {
  const shown: string[] = [];
  let next = 0;
  for (const index of chosen) {
    const event = events[index];
    if (event === undefined) continue;
    if (index > next) shown.push(gap(index - next));
    shown.push(eventLine(event, true));
    next = index + 1;
  }
  if (next < events.length) shown.push(gap(events.length - next));
  return shown;
}

function gap(count: number): string {
  return `            ... ${numberOf(count, 'event')}`;
}

function eventLine(event: TraceEvent, withActor: boolean): string {
  const time = `${(event.atMs / 1_000).toFixed(3)} s`.padStart(11);
  const mark = event.kind === 'fault' ? '!' : ' ';
  const actor = withActor ? `${event.actor}  ` : '';
  return `${time} ${mark} ${actor}${oneLine(event.text)}`;
}

function involved(outcome: Outcome, trace: RunTrace): readonly string[] {
  const names = new Set(trace.events.map((event) => event.actor));
  names.delete('world');
  const examples = outcome.violations.flatMap((violation) => violation.example);
  const wanted = [
    ...outcome.fired.map(({ hit }) => hit),
    ...examples,
    ...(trace.tree === null ? [] : troubled(trace.tree)),
  ];
  const found = wanted.flatMap((text) => [...names].filter((name) => text === name || namedIn(text, name)));
  const last = trace.events.findLast((event) => names.has(event.actor));
  const actors = found.length === 0 && last !== undefined ? [last.actor] : found;
  return [...new Set(actors)].slice(0, ACTORS_MAX);
}

/** A hit may be a link, `<from> -> <to>`: both ends are involved. It may name an operator, whose subtasks are. */
function namedIn(text: string, actor: string): boolean {
  return text.split(' -> ').some((end) => {
    const name = end.replace(/^.*\//, '').replaceAll(/[^\w]+/g, '-');
    return end === actor || actor.endsWith(`/${end}`) || operatorOf(actor) === name;
  });
}

/** `scenario-output` of `/job/attempt-2/3-scenario-output.0` and of `3-scenario-output/0`. */
function operatorOf(actor: string): string {
  return actor
    .replace(/[./]\d+$/, '')
    .replace(/^.*\//, '')
    .replace(/^\d+-/, '');
}

function troubled(node: ActorTreeNode): readonly string[] {
  const own = node.restarts > 0 || node.lastError !== null ? [node.name] : [];
  return [...own, ...node.children.flatMap(troubled)];
}

function oneLine(text: string): string {
  const line = text.replaceAll(/\s*\n\s*/g, ' ');
  return line.length <= TEXT_LENGTH_MAX ? line : `${line.slice(0, TEXT_LENGTH_MAX - 1)}…`;
}
