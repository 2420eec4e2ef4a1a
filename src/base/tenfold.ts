// The first, the tenth, the hundredth time that something happens: often enough to be seen, and never a flood.

export class Tenfold {
  /** How often it has happened. */
  count = 0;
  private tellAt = 1;

  /** Once more. True when it is to be told. */
  step(): boolean {
    this.count += 1;
    if (this.count !== this.tellAt) return false;
    this.tellAt *= 10;
    return true;
  }
}
