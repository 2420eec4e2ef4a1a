// What each Ctrl-C means: stop, then cancel, then leave.
//
// Owns:    the order of the three.
// Not:     signals (shell.ts), carrying it out (run-session.ts).
//
// I1. No press asks for less than the one before it: somebody who presses again wants out.
// I2. A job that keeps nothing cannot be stopped, only canceled.

export type InterruptAction = 'stop' | 'cancel' | 'exit';

type Phase = 'untouched' | 'stopping' | 'canceling';

export class Interrupts {
  private phase: Phase = 'untouched';

  /** `canStop`: the job runs, and with checkpoints. */
  press(canStop: boolean): InterruptAction {
    switch (this.phase) {
      case 'untouched':
        this.phase = canStop ? 'stopping' : 'canceling';
        return canStop ? 'stop' : 'cancel';
      case 'stopping':
        this.phase = 'canceling';
        return 'cancel';
      default:
        return 'exit';
    }
  }
}
