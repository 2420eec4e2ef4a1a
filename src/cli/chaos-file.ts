// From the path of a file to the scenarios that it exports.
//
// Owns:    finding them among the exports, and choosing by name.
// Not:     importing the file (module-file.ts), what a scenario does.

import { ConfigError } from '../base/errors.js';
import { enterSimulation } from '../chaos/inside.js';
import { parseReplayToken } from '../chaos/replay-token.js';
import { isRunnable, type Runnable } from '../chaos/runnable.js';
import { loadModuleFile } from './module-file.js';

/** At least one; only that one where a name is given. Throws ConfigError. */
export async function loadScenarios(
  file: string,
  directory: string,
  name: string | null,
): Promise<readonly Runnable[]> {
  // Before the file is loaded, and for good: what it copies at import, such as `const now = Date.now`, is then simulated too.
  enterSimulation();
  const { module, shown } = await loadModuleFile(file, directory, {
    what: 'file of scenarios',
    exports: 'the scenarios',
  });
  const all = scenariosIn(module);
  if (all.length === 0) {
    throw new ConfigError(`${shown} exports no scenario.`, {
      remedy: 'Add `export const orders = scenario({ ... });`.',
    });
  }
  refuseSameNames(all, shown);
  if (name === null) return all;
  const chosen = all.filter((scenario) => scenario.name === name);
  if (chosen.length > 0) return chosen;
  throw new ConfigError(`${shown} exports no scenario with the name ${JSON.stringify(name)}.`, {
    remedy: `It has: ${all.map((scenario) => scenario.name).join(', ')}.`,
  });
}

/** For actions on one run: the scenario that its token is of. Throws ConfigError. */
export function scenarioOf(token: string, scenarios: readonly Runnable[]): Runnable {
  const [first, second] = scenarios;
  if (first !== undefined && second === undefined) return first;
  const { subject } = parseReplayToken(token);
  const found = scenarios.find((scenario) => scenario.subject.name === subject);
  if (found !== undefined) return found;
  throw new ConfigError(`The token is of ${JSON.stringify(subject)}, which the file does not export.`, {
    remedy: `To replay it with another one, add --scenario with one of: ${scenarios.map(({ name }) => name).join(', ')}.`,
  });
}

// The same scenario may be exported twice, by name and as the default; a CommonJS module has its exports one level deeper too.
function scenariosIn(module: Readonly<Record<string, unknown>>): readonly Runnable[] {
  const exported = Object.values(module);
  const inner = module['default'];
  const deeper =
    typeof inner === 'object' && inner !== null && !isRunnable(inner) ? Object.values(inner) : [];
  return [...new Set([...exported, ...deeper].filter(isRunnable))];
}

function refuseSameNames(scenarios: readonly Runnable[], shown: string): void {
  const names = scenarios.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice === undefined) return;
  throw new ConfigError(`${shown} exports two scenarios with the name ${JSON.stringify(twice)}.`, {
    remedy: 'Give each its own: scenario({ name, ... }).',
  });
}
