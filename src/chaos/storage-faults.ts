// Faults of stores and files: the hooks of the simulated machine, answered from the plan.
//
// Owns:    which fault an operation meets.
// Not:     what the fault does to the bytes (src/testing/virtual-*.ts), when it fires (arsenal.ts).

import type { VirtualFaults } from '../testing/virtual-faults.js';
import type { Arsenal } from './arsenal.js';
import type { FaultKind } from './fault-kinds.js';

const STORE_FAULTS = [
  ['store.full', 'full'],
  ['store.mapFull', 'full'],
  ['store.reject', 'reject'],
  ['store.rejectVisible', 'rejectVisible'],
  ['store.rejectWritten', 'rejectWritten'],
  ['store.hang', 'hang'],
  ['store.hangWritten', 'hangWritten'],
] as const satisfies readonly (readonly [FaultKind, string])[];

const FILE_FAULTS = [
  ['files.fail', 'EIO'],
  ['files.failWritten', 'failWritten'],
  ['files.full', 'ENOSPC'],
  ['files.exhausted', 'EMFILE'],
  ['files.hang', 'hang'],
  ['files.hangWritten', 'hangWritten'],
] as const satisfies readonly (readonly [FaultKind, string])[];

/** Operations that need a free descriptor, or room. */
const OF_DESCRIPTORS: ReadonlySet<string> = new Set(['open', 'list']);
const OF_ROOM: ReadonlySet<string> = new Set(['append', 'makeDirectory', 'open', 'rename', 'sync']);

/** `commitMs`: what a commit takes where no fault says otherwise, drawn each time; null: none takes any time. */
export function installStorageFaults(
  faults: VirtualFaults,
  arsenal: Arsenal,
  commitMs: (() => number) | null = null,
): void {
  const kinds = [...STORE_FAULTS.map(([kind]) => kind), 'store.slow', 'store.openFails'] as const;
  if (commitMs !== null || arsenal.has(...kinds)) {
    faults.keyValues = (operation, directory) => {
      const fits = (target: string): boolean =>
        target === '*' || target === 'checkpoints' || directory.startsWith(target);
      const hit = `${operation} ${directory}`;
      if (operation === 'open')
        return arsenal.strike('store.openFails', fits, hit) === null ? null : 'reject';
      for (const [kind, fault] of STORE_FAULTS) {
        if (arsenal.strike(kind, fits, hit) !== null) return fault;
      }
      const slow = arsenal.strike('store.slow', fits, hit);
      if (slow !== null) return { delayMs: slow.parameter('ms') };
      return commitMs === null ? null : { delayMs: commitMs() };
    };
  }
  if (!arsenal.has(...FILE_FAULTS.map(([kind]) => kind))) return;
  faults.files = (operation, path) => {
    const fits = (target: string): boolean => target === '*' || path.startsWith(target);
    for (const [kind, code] of FILE_FAULTS) {
      if (kind === 'files.exhausted' && !OF_DESCRIPTORS.has(operation)) continue;
      if (kind === 'files.full' && !OF_ROOM.has(operation)) continue;
      if (arsenal.strike(kind, fits, `${operation} ${path}`) !== null) return code;
    }
    return null;
  };
}
