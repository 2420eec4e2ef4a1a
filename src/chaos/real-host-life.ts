// What a supervisor knows of a host that it has started.
//
// Owns:    the contract between the supervisor and the two kinds of hosts.
// Not:     threads (real-thread.ts), processes (real-process.ts), deciding (real-supervisor.ts).

import type { HostNews, HostTask } from './real-news.js';

export interface HostStart {
  readonly task: HostTask;
  readonly onNews: (news: HostNews) => void;
}

export interface HostEnd {
  /** In a few words: a signal, an exit code, an error; null: by itself and in order. */
  readonly how: string | null;
  /** The last that it wrote to its standard error. */
  readonly said: string;
}

export interface HostLife {
  /** After the last of its news. */
  readonly ended: Promise<HostEnd>;
  /** Ends it for good, as soon as that is safe. */
  end(): void;
  /** Continues a host that has stopped itself. */
  resume(): void;
}
