// Cycles between files: each of them is loaded before the other, and one finds the other half made.
//
// C1. Only value imports count: types are gone at run time, and import() comes after loading.

import type { Finding } from './finding.js';
import { importsOf, resolveImport } from './imports.js';
import type { Project } from './project.js';

interface Arrow {
  readonly to: string;
  readonly line: number;
}

export function checkCycles(project: Project): readonly Finding[] {
  const arrows = new Map<string, readonly Arrow[]>();
  for (const source of project.sources) {
    const targets = importsOf(source)
      .filter((entry) => entry.kind === 'value')
      .map((entry) => ({ to: resolveImport(source.path, entry.specifier, project.paths), line: entry.line }))
      .filter((arrow): arrow is Arrow => arrow.to !== null);
    arrows.set(source.path, targets);
  }
  return cyclesIn(arrows).map((cycle) => ({
    file: cycle[0]?.from ?? '',
    line: cycle[0]?.line ?? 1,
    rule: 'cycles',
    message: `Files import each other: ${cycle.map((step) => step.from).join(' -> ')} -> ${cycle[0]?.from}.`,
    remedy: 'Move what both need into a third file, or import the type alone.',
  }));
}

interface Step {
  readonly from: string;
  readonly line: number;
}

// Depth first; an arrow back to a file on the current trail closes a cycle. Each file is left once, so each
// closing arrow is reported once.
function cyclesIn(arrows: ReadonlyMap<string, readonly Arrow[]>): Step[][] {
  const cycles: Step[][] = [];
  const left = new Set<string>();
  const trail: Step[] = [];
  const visit = (file: string): void => {
    for (const arrow of arrows.get(file) ?? []) {
      const start = trail.findIndex((step) => step.from === arrow.to);
      if (arrow.to === file) cycles.push([{ from: file, line: arrow.line }]);
      else if (start >= 0) cycles.push([...trail.slice(start), { from: file, line: arrow.line }]);
      else if (!left.has(arrow.to)) {
        trail.push({ from: file, line: arrow.line });
        visit(arrow.to);
        trail.pop();
      }
    }
    left.add(file);
  };
  for (const file of arrows.keys()) {
    if (!left.has(file)) visit(file);
  }
  return cycles;
}
