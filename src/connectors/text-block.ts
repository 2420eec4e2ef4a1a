// Gathers text as UTF-8 into blocks that are worth a write.
//
// Owns:    one block being filled, and the full ones in order.
// Not:     writing them (file-sink-writer.ts).

import { FILE_SINK_BLOCK_BYTES } from '../base/limits.js';

export class TextBlock {
  private bytes: Buffer = Buffer.allocUnsafeSlow(FILE_SINK_BLOCK_BYTES);
  private used = 0;
  private full: Uint8Array[] = [];

  /** Appends `text` and answers how many bytes it has. */
  put(text: string): number {
    // Three bytes per UTF-16 unit is the worst case; only near the end of a block is it worth counting.
    if (this.used + 3 * text.length > this.bytes.length) this.makeRoom(Buffer.byteLength(text));
    const written = this.bytes.write(text, this.used);
    this.used += written;
    return written;
  }

  /** The blocks that are full, oldest first. They belong to the caller. */
  takeFull(): readonly Uint8Array[] {
    if (this.full.length === 0) return this.full;
    const taken = this.full;
    this.full = [];
    return taken;
  }

  /** Everything that is there, and an empty block after it. */
  takeAll(): readonly Uint8Array[] {
    this.closeBlock(FILE_SINK_BLOCK_BYTES);
    return this.takeFull();
  }

  private makeRoom(needed: number): void {
    if (this.used + needed > this.bytes.length) this.closeBlock(Math.max(needed, FILE_SINK_BLOCK_BYTES));
  }

  private closeBlock(nextBytes: number): void {
    if (this.used > 0) {
      this.full.push(this.bytes.subarray(0, this.used));
      this.bytes = Buffer.allocUnsafeSlow(nextBytes);
      this.used = 0;
    } else if (this.bytes.length < nextBytes) {
      this.bytes = Buffer.allocUnsafeSlow(nextBytes);
    }
  }
}
