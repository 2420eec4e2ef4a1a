// One watermark out of many channels.
//
// Owns:    the minimum over the channels that count, idleness in and out.
// Not:     making watermarks (src/operators), firing what they make due (src/task).
//
// M1. The output never regresses and never repeats (semantics 2.6, 2.11).
// M2. A channel counts when it is active and has caught up with the output; an idle one neither counts nor holds back (2.12, 2.14).
// M3. When the last channel that counts falls idle, the highest watermark of all leaves before IDLE does (2.13).
// M4. MAX leaves when every channel has ended, and not before: a channel that is merely idle may come back with records,
//     and one MAX too early would make them all late.

import { present } from '../base/assert.js';
import { MAX_TIMESTAMP, MIN_TIMESTAMP } from '../base/timestamps.js';
import type { Watermark, WatermarkStatus } from '../elements/element.js';
import { ACTIVE, IDLE, watermark } from '../elements/element.js';

export type MergeOutput = Watermark | WatermarkStatus;

interface InputChannel {
  time: number;
  /** `behind`: active, but its watermark is still below the output. `ended`: it has sent MAX or its end. */
  state: 'counting' | 'behind' | 'idle' | 'ended';
}

const NOTHING: readonly MergeOutput[] = [];

export class WatermarkMerge {
  private readonly channels: InputChannel[];
  private output: number = MIN_TIMESTAMP;
  private outputIdle = false;

  constructor(channels: number) {
    this.channels = Array.from({ length: channels }, newChannel);
  }

  watermark(channel: number, time: number): readonly MergeOutput[] {
    const input = this.at(channel);
    // Even an idle channel may say that it is through; it is the one thing that cannot be withdrawn.
    if (time >= MAX_TIMESTAMP) return this.channelEnded(channel);
    if (input.state === 'idle' || input.state === 'ended' || time <= input.time) return NOTHING;
    const heldBack = input.state === 'counting' && input.time <= this.output;
    input.time = time;
    if (input.state === 'behind') {
      if (time < this.output) return NOTHING;
      input.state = 'counting';
      return this.emitMinimum();
    }
    // Somebody else holds the minimum: this one's progress cannot move it.
    return heldBack ? this.emitMinimum() : NOTHING;
  }

  status(channel: number, idle: boolean): readonly MergeOutput[] {
    const input = this.at(channel);
    if (input.state === 'ended' || idle === (input.state === 'idle')) return NOTHING;
    if (idle) {
      input.state = 'idle';
      return this.afterLoss();
    }
    input.state = input.time >= this.output ? 'counting' : 'behind';
    // The minimum is derived anew: channels may have caught up while nobody counted.
    return this.becomeActive(this.emitMinimum());
  }

  /** No watermark will follow on this channel; the same as MAX on it. */
  channelEnded(channel: number): readonly MergeOutput[] {
    const input = this.at(channel);
    if (input.state === 'ended') return NOTHING;
    input.state = 'ended';
    return this.afterLoss();
  }

  /** Starts a further channel, or one that is done with, afresh: it holds back the output until it has caught up. */
  open(channel: number): readonly MergeOutput[] {
    if (channel === this.channels.length) this.channels.push(newChannel());
    else this.channels[channel] = newChannel();
    return this.becomeActive(NOTHING);
  }

  /** The channel whose watermark keeps the output where it is, or null when none does. */
  holdingBack(): number | null {
    let lowest: number | null = null;
    let time = Number.POSITIVE_INFINITY;
    for (let index = 0; index < this.channels.length; index += 1) {
      const input = this.at(index);
      if (input.state !== 'counting' || input.time >= time) continue;
      time = input.time;
      lowest = index;
    }
    return lowest;
  }

  private emitMinimum(): readonly MergeOutput[] {
    let minimum = Number.POSITIVE_INFINITY;
    for (const input of this.channels) {
      if (input.state === 'counting' && input.time < minimum) minimum = input.time;
    }
    return Number.isFinite(minimum) ? this.emit(minimum) : NOTHING;
  }

  /** A channel no longer counts: the others may let the output rise, or nobody is left. */
  private afterLoss(): readonly MergeOutput[] {
    if (this.channels.every((input) => input.state === 'ended')) {
      return this.becomeActive(this.emit(MAX_TIMESTAMP));
    }
    if (this.channels.some((input) => input.state === 'counting' || input.state === 'behind')) {
      return this.emitMinimum();
    }
    let highest = MIN_TIMESTAMP;
    for (const input of this.channels) if (input.time > highest) highest = input.time;
    const flushed = this.emit(highest);
    if (this.outputIdle) return flushed;
    this.outputIdle = true;
    return [...flushed, IDLE];
  }

  private becomeActive(outputs: readonly MergeOutput[]): readonly MergeOutput[] {
    if (!this.outputIdle) return outputs;
    this.outputIdle = false;
    return [ACTIVE, ...outputs];
  }

  private emit(time: number): readonly MergeOutput[] {
    if (time <= this.output) return NOTHING;
    this.output = time;
    return [watermark(time)];
  }

  private at(channel: number): InputChannel {
    return present(this.channels[channel], 'a channel of this merge');
  }
}

function newChannel(): InputChannel {
  return { time: MIN_TIMESTAMP, state: 'counting' };
}
