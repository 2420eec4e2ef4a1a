// Savepoints that were asked for and have not been triggered.
//
// Owns:    their order: first come, first served.
// Not:     who may still ask, how many may wait (coordinator-machine.ts).

import type { StopMode } from './coordinator-protocol.js';

export interface SavepointRequest {
  readonly requestId: string;
  /** Null only for a stop: its checkpoint stays in the job's own store. */
  readonly directory: string | null;
  readonly stop: StopMode | null;
}

export class SavepointRequests {
  #waiting: SavepointRequest[] = [];

  get size(): number {
    return this.#waiting.length;
  }

  has(requestId: string): boolean {
    return this.#waiting.some((request) => request.requestId === requestId);
  }

  add(request: SavepointRequest): void {
    this.#waiting.push(request);
  }

  take(): SavepointRequest | null {
    return this.#waiting.shift() ?? null;
  }

  takeAll(): readonly SavepointRequest[] {
    const all = this.#waiting;
    this.#waiting = [];
    return all;
  }
}
