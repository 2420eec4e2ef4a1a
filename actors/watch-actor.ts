// The watch: looks at the subtasks of an attempt now and then, and says so when event time stands still.
//
// Owns:    when to look, and the warning.
// Not:     what counts as stuck (src/task/stuck-watermarks.ts).
//
// N1. The watch is no part of the job: if it fails, the attempt does not.

import {
  WATERMARK_LOOK_INTERVAL_MS,
  WATERMARK_LOOK_TIMEOUT_MS,
  WATERMARK_LOOKS_MAX,
} from '../src/base/limits.js';
import { showTime } from '../src/base/timestamps.js';
import { type Look, StuckWatermarks } from '../src/task/stuck-watermarks.js';
import type { ActorRef, ActorSetup } from './kernel/actor.js';
import type { SubtaskMessage, SubtaskStatus } from './messages.js';

export type WatchMessage = { readonly kind: 'look' };

export function watchActor(subtasks: readonly ActorRef<SubtaskMessage>[]): ActorSetup<WatchMessage> {
  return (context) => {
    const stuck = new StuckWatermarks(WATERMARK_LOOKS_MAX);
    context.every(WATERMARK_LOOK_INTERVAL_MS, { kind: 'look' });
    const look = async (ref: ActorRef<SubtaskMessage>): Promise<Look | null> => {
      try {
        const options = { timeoutMs: WATERMARK_LOOK_TIMEOUT_MS };
        return await context
          .ask<SubtaskMessage, SubtaskStatus>(ref, (reply) => ({ kind: 'status', reply }), options)
          .then(lookOf);
      } catch {
        // A subtask that is busy or gone is looked at next time, or never again.
        return null;
      }
    };
    return {
      async onMessage() {
        const looks = await Promise.all(subtasks.map(look));
        for (const found of stuck.observe(looks.filter((each) => each !== null))) {
          context.logger.warn(
            {
              subtask: found.subtask,
              heldBackBy: found.heldBackBy,
              watermark: showTime(found.watermark),
              records: found.records,
            },
            `records arrive at ${found.subtask} but event time stands still: ${found.heldBackBy} sends no newer watermark. If it has no data, give its strategy an idleness (withIdleness)`,
          );
        }
      },
    };
  };
}

function lookOf({ subtask, recordsIn, watermark, heldBackByPath }: SubtaskStatus): Look {
  return { subtask, recordsIn, watermark, heldBackBy: heldBackByPath };
}
