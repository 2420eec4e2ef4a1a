// The store actor: the only writer of the job's checkpoint store.
//
// Owns:    handing writes to the store and answers back, in the names of those who asked.
// Not:     what a write means (src/checkpoint), opening the store and beginning attempts (job-actor.ts).
//
// W1. The handler never waits for the disk: writes run side by side, and the store gathers them into few commits.
// W2. An answer goes out when the write is durable. After a failure that poisons the store every answer is `storeBroken`.
// W3. Writes of an attempt below the current one are refused by the store itself; the store actor outlives attempts.

import { unreachable } from '../src/base/assert.js';
import { messageOf, StoreError } from '../src/base/errors.js';
import type { PointFields } from '../src/base/runtime.js';
import type { CheckpointStore } from '../src/checkpoint/checkpoint-store.js';
import type { ActorContext, ActorSetup, Behavior } from './kernel/actor.js';
import type { StoreMessage } from './messages.js';

export function storeActor(store: CheckpointStore): ActorSetup<StoreMessage> {
  return (context) => new Store(store, context);
}

class Store implements Behavior<StoreMessage> {
  private readonly store: CheckpointStore;
  private readonly context: ActorContext<StoreMessage>;

  constructor(store: CheckpointStore, context: ActorContext<StoreMessage>) {
    this.store = store;
    this.context = context;
  }

  onMessage(message: StoreMessage): void {
    switch (message.kind) {
      case 'putChunk':
        return this.putChunk(message);
      case 'reserveIds':
        return this.reserveIds(message);
      case 'complete':
        return this.complete(message);
      case 'discard':
        return this.discard(message);
      case 'export':
        return this.export(message);
      case 'settled':
        return message.report();
      default:
        return unreachable(message);
    }
  }

  private putChunk({ chunk, from }: StoreMessage & { readonly kind: 'putChunk' }): void {
    const { checkpoint, attempt } = chunk;
    this.point('snapshot.written', { checkpoint, attempt });
    this.write(
      this.store.putChunk(chunk),
      () => from.control({ kind: 'chunkStored', checkpoint }),
      (error) => from.control({ kind: 'chunkFailed', checkpoint, error }),
    );
  }

  private reserveIds({ upTo, from }: StoreMessage & { readonly kind: 'reserveIds' }): void {
    this.write(
      this.store.reserveCheckpointIds(upTo),
      () => from.control({ kind: 'idsReserved', upTo }),
      (error) => from.control({ kind: 'storeBroken', error }),
    );
  }

  private complete({ manifest, from }: StoreMessage & { readonly kind: 'complete' }): void {
    const { checkpoint, attempt } = manifest;
    const before = this.store.counters().checkpointsRetained;
    this.point('metadata.written', { checkpoint, attempt });
    this.write(
      this.store.complete(manifest),
      () => {
        this.point('metadata.durable', { checkpoint, attempt });
        from.control({ kind: 'storeCompleted', checkpoint });
        if (this.store.counters().checkpointsRetained <= before)
          this.point('checkpoint.deleted', { checkpoint, attempt });
      },
      (error) => from.control({ kind: 'storeFailed', checkpoint, error }),
    );
  }

  private discard({ checkpoint, attempt }: StoreMessage & { readonly kind: 'discard' }): void {
    this.write(this.store.discard(checkpoint, attempt), ignore, (error) => {
      // What could not be removed now goes at the next start, with everything above the chosen checkpoint.
      if (!isFenced(error))
        this.context.logger.warn(
          { checkpoint, error: messageOf(error) },
          'an aborted checkpoint could not be removed',
        );
    });
  }

  private export({ manifest, directory, from }: StoreMessage & { readonly kind: 'export' }): void {
    const { checkpoint } = manifest;
    this.write(
      this.store.exportSavepoint(manifest, directory),
      () => from.control({ kind: 'exported', checkpoint }),
      (error) => from.control({ kind: 'exportFailed', checkpoint, error }),
    );
  }

  /** Settles in a turn of this actor, so that an answer of a store actor that has died is never given. */
  private write(work: Promise<void>, done: () => void, failed: (error: unknown) => void): void {
    work.then(
      () => this.context.self.control({ kind: 'settled', report: done }),
      (error) => this.context.self.control({ kind: 'settled', report: () => failed(error) }),
    );
  }

  private point(step: string, fields: PointFields): void {
    this.context.runtime.points?.hit(step, { role: 'store', ...fields });
  }
}

function isFenced(error: unknown): boolean {
  return error instanceof StoreError && error.code === 'WEIR_STORE_FENCED';
}

function ignore(): void {
  // Nobody waits for the removal of an aborted checkpoint.
}
