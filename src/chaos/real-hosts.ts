// Which host runs which scenario: the program of a scenario is hidden in it, and a thread or process has to find it there.
//
// Owns:    the way from the subject of a scenario to a host of its program.
// Not:     finding the scenario (real-entry.ts), the host (real-host.ts).

import type { Subject } from './execution.js';
import type { JobProgram } from './job-program.js';
import { type HostPorts, RealHost } from './real-host.js';
import type { HostTask } from './real-news.js';

export type LiveOnce = (task: HostTask, ports: HostPorts) => Promise<void>;

const hosts = new WeakMap<Subject, LiveOnce>();

export function setHost<T, R>(subject: Subject, program: JobProgram<T, R>): void {
  hosts.set(subject, (task, ports) => new RealHost(program, task, ports).live());
}

/** Null: another copy of Weir has made the scenario. */
export function hostOf(subject: Subject): LiveOnce | null {
  return hosts.get(subject) ?? null;
}
