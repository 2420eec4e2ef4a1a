// A hash over a long sequence of small things, fed one by one.
//
// Owns:    two 32-bit lanes, mixed per number; text through its UTF-16 units.
// Not:     checksums of stored bytes (src/base/checksum.ts).
//
// A1. The same sequence has the same hash in every version of Node and on every machine: whole numbers only.

export class RollingHash {
  #a = 0x811c9dc5;
  #b = 0x9e3779b9;

  add(first: number, second: number): void {
    this.#a = Math.imul(this.#a ^ first, 0x01000193);
    this.#a ^= this.#a >>> 15;
    this.#b = Math.imul((this.#b + second) ^ this.#a, 0x85ebca6b);
    this.#b ^= this.#b >>> 13;
  }

  addText(text: string): void {
    let value = 0x811c9dc5;
    for (let index = 0; index < text.length; index += 1) {
      value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
    }
    this.add(value, text.length);
  }

  text(): string {
    return hex(this.#a) + hex(this.#b);
  }
}

function hex(value: number): string {
  return (value >>> 0).toString(16).padStart(8, '0');
}
