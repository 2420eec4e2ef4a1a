// Which registered types a checkpoint needs that this process does not know.
//
// Owns:    the sentence for each operator.
// Not:     refusing the restore (assignment.ts), registering (src/base/class-registry.ts).

import { missingTypes } from '../base/class-registry.js';
import { typesNeededBy } from '../base/codec.js';
import type { OperatorManifest } from './manifest.js';

/** A sentence for each operator whose state holds instances of types that nobody has registered. */
export function missingTypeProblems(operators: readonly OperatorManifest[]): string[] {
  return operators.flatMap((operator) => {
    const missing = missingTypes(typesOf(operator));
    if (missing.length === 0) return [];
    const names = missing.map((name) => `"${name}"`).join(', ');
    return [
      `the state of operator "${operator.name}" with uid "${operator.uid}" holds values of ${missing.length === 1 ? 'the type' : 'the types'} ${names}, which nobody has registered. Call registerType(Class, { name, encode, decode }) before the job starts`,
    ];
  });
}

function* typesOf(operator: OperatorManifest): Iterable<string> {
  for (const subtask of operator.subtasks) {
    for (const segment of subtask?.keyed ?? []) yield* segment.types ?? [];
    for (const list of subtask?.lists ?? []) for (const item of list.items) yield* typesNeededBy(item);
  }
}
