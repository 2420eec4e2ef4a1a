// A logger that fails when the plan says so.
//
// Owns:    F72: telemetry that throws.
// Not:     what the program makes of it: nothing, or it has a bug.

import type { LogFields, Logger } from '../base/logger.js';
import type { Arsenal } from './arsenal.js';
import { InjectedFault } from './injected.js';

export function faultyLogger(
  arsenal: Arsenal,
  onLine: (fields: LogFields, message: string) => void,
  inherited: LogFields = {},
): Logger {
  const line = (fields: LogFields, message: string): void => {
    onLine({ ...inherited, ...fields }, message);
    const fault = arsenal.strike('telemetry.fail', () => true, message);
    if (fault !== null) throw new InjectedFault(fault.index, 'the logger throws');
  };
  return {
    debug: line,
    info: line,
    warn: line,
    error: line,
    child: (fields) => faultyLogger(arsenal, onLine, { ...inherited, ...fields }),
  };
}
