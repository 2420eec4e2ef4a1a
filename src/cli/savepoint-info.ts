// `weir savepoint info`: what is in a savepoint, or in the directory of a job.
//
// Owns:    the figures and their text.
// Not:     reading and verifying (src/checkpoint/savepoint.ts).

import type { Runtime } from '../base/runtime.js';
import { shownText } from '../base/shown-text.js';
import type { Manifest, OperatorManifest } from '../checkpoint/manifest.js';
import { openSavepoint } from '../checkpoint/savepoint.js';
import { showBytes, showDuration, showNumberOf } from './human-format.js';

export interface OperatorInfo {
  readonly uid: string;
  readonly name: string;
  readonly parallelism: number;
  readonly maxParallelism: number;
  readonly keyedBytes: number;
  /** Names of operator states, and how many items each has over all subtasks. */
  readonly lists: Readonly<Record<string, number>>;
  /** Subtasks that had seen the end of their input. */
  readonly subtasksFinished: number;
}

export interface SavepointInfo {
  readonly job: string;
  readonly checkpoint: number;
  readonly attempt: number;
  readonly format: number;
  readonly purpose: Manifest['purpose'];
  readonly completedWallMs: number;
  readonly durationMs: number;
  readonly jobFinished: boolean;
  readonly operators: readonly OperatorInfo[];
}

const PURPOSES: Readonly<Record<Manifest['purpose'], string>> = {
  checkpoint: 'a periodic or final checkpoint',
  savepoint: 'a savepoint of a running job',
  stop: 'the stop of the job',
};

/** Throws RestoreError when there is none that is intact. */
export async function savepointInfo(runtime: Runtime, directory: string): Promise<SavepointInfo> {
  const reader = await openSavepoint({ runtime, directory });
  try {
    const { manifest } = reader;
    const { job, checkpoint, attempt, format, purpose, completedWallMs, durationMs, jobFinished } = manifest;
    const operators = manifest.operators.map(operatorInfo);
    return { job, checkpoint, attempt, format, purpose, completedWallMs, durationMs, jobFinished, operators };
  } finally {
    await reader.close();
  }
}

function operatorInfo(operator: OperatorManifest): OperatorInfo {
  const { uid, name, parallelism, maxParallelism } = operator;
  const subtasks = operator.subtasks.filter((subtask) => subtask !== null);
  const lists: Record<string, number> = {};
  for (const list of subtasks.flatMap((subtask) => subtask.lists)) {
    lists[list.name] = (lists[list.name] ?? 0) + list.items.length;
  }
  const keyedBytes = subtasks.flatMap(({ keyed }) => keyed).reduce((sum, { bytes }) => sum + bytes, 0);
  const subtasksFinished = subtasks.filter(({ finished }) => finished).length;
  return { uid, name, parallelism, maxParallelism, keyedBytes, lists, subtasksFinished };
}

export function savepointText(info: SavepointInfo, directory: string): string {
  const facts: readonly (readonly [string, string])[] = [
    ['directory', directory],
    ['taken for', PURPOSES[info.purpose]],
    ['completed', `${new Date(info.completedWallMs).toISOString()}, in ${showDuration(info.durationMs)}`],
    ['attempt', String(info.attempt)],
    ['format', String(info.format)],
    ['job', info.jobFinished ? 'had finished: nothing is left to do' : 'goes on from here'],
    ['intact', 'yes, every byte was verified'],
  ];
  // A line end in a name would let it write lines of its own.
  return [
    shownText(`checkpoint ${info.checkpoint} of job "${info.job}"`),
    ...facts.map(([name, value]) => `  ${name.padEnd(10)} ${shownText(value)}`),
    '',
    showNumberOf(info.operators.length, 'operator'),
    ...info.operators.flatMap(operatorLines),
  ].join('\n');
}

function operatorLines(operator: OperatorInfo): string[] {
  const state = [
    ...(operator.keyedBytes > 0 ? [`keyed state ${showBytes(operator.keyedBytes)}`] : []),
    ...Object.entries(operator.lists).map(([name, items]) => `"${name}" ${showNumberOf(items, 'item')}`),
  ];
  const finished = operator.subtasksFinished > 0 ? `, ${operator.subtasksFinished} finished` : '';
  return [
    `  ${operator.name}  uid ${operator.uid}`,
    `    parallelism ${operator.parallelism}${finished}, max ${operator.maxParallelism}`,
    `    ${state.length === 0 ? 'no state' : state.join(', ')}`,
  ].map(shownText);
}
