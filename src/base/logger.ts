// The logger that the library writes to: five methods, so that pino fits as it is.
//
// L1. Without a logger, warnings and errors go to standard error (line-logger.ts); silentLogger and WEIR_LOG turn that.
// L2. A logger that throws harms nothing but its own lines: how many were lost is told with the next one that is not.

export type LogFields = Readonly<Record<string, unknown>>;

export interface Logger {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  child(fields: LogFields): Logger;
}

export const silentLogger: Logger = {
  debug: ignore,
  info: ignore,
  warn: ignore,
  error: ignore,
  child: () => silentLogger,
};

/** The same logger, but its errors stay with it. The library wraps whatever it is given. */
export function guardedLogger(logger: Logger): Logger {
  return logger === silentLogger || logger instanceof GuardedLogger
    ? logger
    : new GuardedLogger(logger, { lines: 0 });
}

class GuardedLogger implements Logger {
  readonly #logger: Logger;
  /** Shared with the children: they write to the same place. */
  readonly #lost: { lines: number };

  constructor(logger: Logger, lost: { lines: number }) {
    this.#logger = logger;
    this.#lost = lost;
  }

  debug(fields: LogFields, message: string): void {
    this.#write('debug', fields, message);
  }

  info(fields: LogFields, message: string): void {
    this.#write('info', fields, message);
  }

  warn(fields: LogFields, message: string): void {
    this.#write('warn', fields, message);
  }

  error(fields: LogFields, message: string): void {
    this.#write('error', fields, message);
  }

  child(fields: LogFields): Logger {
    try {
      return new GuardedLogger(this.#logger.child(fields), this.#lost);
    } catch {
      // Its lines then lack these fields; nothing else depends on them.
      return this;
    }
  }

  #write(level: 'debug' | 'info' | 'warn' | 'error', fields: LogFields, message: string): void {
    const lost = this.#lost.lines;
    try {
      this.#logger[level](lost === 0 ? fields : { ...fields, logLinesLost: lost }, message);
      this.#lost.lines = 0;
    } catch {
      // Telling anybody would take a logger.
      this.#lost.lines += 1;
    }
  }
}

function ignore(): void {
  // A library that nobody asked to speak says nothing.
}
