// The table of faults in docs/chaos.md, made from what the code knows: every verb of the builder is called once.

import { fault } from '../../src/chaos/fault.js';
import { FAULT_KINDS, type FaultKind } from '../../src/chaos/fault-kinds.js';
import type { FaultSpec } from '../../src/chaos/scenario-options.js';

/** Things that can be hit, as they are written. */
const PLACES: readonly (readonly [text: string, place: object])[] = [
  ["actor('a')", fault.actor('*')],
  ["link('a', 'b')", fault.link('*', '*')],
  ['barrier()', fault.barrier()],
  ['process()', fault.process()],
  ['store()', fault.store()],
  ["disk('/out')", fault.disk('/out')],
  ['clock()', fault.clock()],
  ['input()', fault.input()],
  ['output()', fault.output()],
  ['job()', fault.job()],
  ['telemetry()', fault.telemetry()],
  ['network(9092)', fault.network(9092)],
];

const MODES = { simulation: 's', threads: 't', processes: 'p' } as const;

/** Rows of a table in Markdown, in the order of the fault model. */
export function faultTable(): readonly string[] {
  const calls = builderCalls();
  const rows = [...FAULT_KINDS].map(([kind, info]) => {
    const modes = info.modes.map((mode) => MODES[mode]).join(' ');
    const written = calls.get(kind) ?? '';
    return `| ${info.number} | \`${kind}\` | ${info.title} | \`fault.${written}\` | ${info.class} | ${info.apps} | ${modes} |`;
  });
  return [
    '| # | kind | what happens | written | class | for | modes |',
    '|---|---|---|---|---|---|---|',
    ...rows,
  ];
}

function builderCalls(): ReadonlyMap<FaultKind, string> {
  const calls = new Map<FaultKind, string>();
  for (const [text, place] of PLACES) {
    for (const verb of Object.getOwnPropertyNames(Object.getPrototypeOf(place))) {
      if (verb === 'constructor' || verb === 'on') continue;
      const spec: unknown = Reflect.apply(Reflect.get(place, verb), place, []);
      add(calls, spec as FaultSpec, `${text}.${verb}()`);
    }
  }
  add(calls, fault.kill('power'), "kill('power')");
  return calls;
}

function add(calls: Map<FaultKind, string>, spec: FaultSpec, text: string): void {
  for (const { kind } of spec.planned(() => 0)) {
    if (!calls.has(kind)) calls.set(kind, text);
  }
}
