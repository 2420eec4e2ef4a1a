// Readers and writers that are open, by the runtime of the process that has opened them.

import type { Runtime } from '../base/runtime.js';

export class OpenConnectors {
  readonly #open = new Map<object, { readonly name: string; readonly runtime: Runtime }>();

  opened(connector: object, name: string, runtime: Runtime): void {
    this.#open.set(connector, { name, runtime });
  }

  closed(connector: object): void {
    this.#open.delete(connector);
  }

  /** What this process has not closed. Those of a process that died went with it. */
  of(runtime: Runtime): readonly string[] {
    return [...this.#open.values()].filter((each) => each.runtime === runtime).map(({ name }) => name);
  }
}
