// A recount of keyed state: everything that is kept in two places is compared.
//
// Owns:    what must hold between tables, spaces, entries and the numbers kept about them, whenever no call is under way.
// Not:     repairing anything; when it is asked (tests, simulations): it walks over all state.

import type { StateCore } from './state-core.js';
import type { Entry, Space, Table } from './table.js';
import { TimerTable } from './timer-table.js';

/** One sentence for each thing that does not hold; empty when all is well. */
export function auditState(core: StateCore): string[] {
  const found: string[] = [];
  let entries = 0;
  for (const [name, table] of core.tables) {
    if (table.name !== name) found.push(`table "${table.name}" is kept under the name "${name}"`);
    for (const [index, space] of table.spaces) {
      const where = `table "${name}", space ${String(index)}`;
      if (table.indexOf(space.namespace) !== index) found.push(`${where}: kept under another index`);
      entries += auditSpace(core, table, space, (what) => found.push(`${where}: ${what}`));
    }
    if (table instanceof TimerTable)
      found.push(...table.disorder().map((what) => `table "${name}": ${what}`));
  }
  if (entries !== core.liveEntries)
    found.push(`there are ${entries} entries; liveEntries says ${core.liveEntries}`);
  if (!core.canBuildOnSnapshots && core.removalsSince(0).to > 0)
    found.push('removals are kept although there is no snapshot to build on');
  return found;
}

/** Answers how many entries there are. */
function auditSpace(core: StateCore, table: Table, space: Space, report: (what: string) => void): number {
  if (space.table !== table) report('belongs to another table');
  if (space.gone) report('is marked as gone');
  if (space.size === 0 && space.namespace !== null) report('has no entries');
  if (space.one !== null && space.many !== null) report('has one entry and many');
  if (space.epoch > core.epoch || space.born > space.epoch)
    report(`born in epoch ${space.born}, changed in ${space.epoch}, now ${core.epoch}`);
  let entries = 0;
  for (const entry of space.entries()) {
    entries += 1;
    auditEntry(space, entry, report);
  }
  if (entries !== space.size) report(`meets ${entries} entries, has ${space.size}`);
  return entries;
}

function auditEntry(space: Space, entry: Entry, report: (what: string) => void): void {
  const key = String(entry.key);
  if (entry.space !== space) report(`entry ${key} belongs to another space`);
  if (space.get(entry.key) !== entry) report(`entry ${key} is not found by its key`);
  if (entry.epoch > space.epoch)
    report(`entry ${key} changed in epoch ${entry.epoch}, its space in ${space.epoch}`);
}
