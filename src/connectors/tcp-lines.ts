// Lines of text from a TCP connection.
//
// Owns:    connecting, reconnecting, holding back the sender, the end of the connection.
// Not:     cutting lines (line-scanner.ts).
//
// T1. What was received cannot be received again: after a failure the job goes on with what comes next.
// T2. At most SOCKET_BUFFER_BYTES, or one line within its bound, and one chunk wait here; then the socket is paused, and TCP
//     holds the sender back. It is never paused while no whole line is here: nobody could take anything that resumes it.
// T3. The rest without line end is a line when the sender closed the connection, and is dropped with a warning when it broke.

import { ConfigError, ConnectorError } from '../base/errors.js';
import { SOCKET_BUFFER_BYTES } from '../base/limits.js';
import type { Socket, TimerHandle } from '../base/runtime.js';
import type { Polled, Source, SourceContext, SourceReader } from '../operators/source.js';
import { idleReader, NOTHING_LEFT } from './idle-reader.js';
import { checkedLineBytes, type InvalidText, LineScanner, type LongLine } from './line-scanner.js';
import { onlySplit } from './restored-position.js';

const SPLIT = 'connection';

export interface TcpLinesOptions {
  readonly host: string;
  readonly port: number;
  /**
   * Connects again after the connection has ended, broken, or not come to be: `attemptsMax` times in a row, `delayMs` apart.
   * Default none: a connection that its sender closes ends the source, one that breaks fails the attempt.
   */
  readonly reconnect?: { readonly attemptsMax: number; readonly delayMs: number };
  /** Longest accepted line, in bytes without its line feed. Default 1 MiB. */
  readonly lineBytesMax?: number;
  /** A longer line, or a flood without line end, fails the attempt (default), or is skipped to its end, warned and counted. */
  readonly longLine?: LongLine;
  /** As in `fileLines`. Default `replace`. */
  readonly invalid?: InvalidText;
}

/** Lines that a server sends on one connection. Not replayable; one subtask reads. Positions count lines, for messages only. */
export function tcpLines(options: TcpLinesOptions): Source<string, number> {
  const { host, port, reconnect } = options;
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new ConfigError(`tcpLines: port is a number from 1 to 65535, got ${String(port)}.`);
  }
  if (reconnect !== undefined && !(reconnect.attemptsMax >= 0 && reconnect.delayMs >= 0)) {
    throw new ConfigError('tcpLines: reconnect takes attemptsMax and delayMs, both at least 0.');
  }
  const lineBytesMax = checkedLineBytes('tcpLines', options.lineBytesMax);
  return {
    name: `tcp ${host}:${port}`,
    bounded: false,
    replayable: false,
    parallelismMax: 1,
    discover: () => [{ id: SPLIT, position: 0 }],
    open(splits, context) {
      const split = onlySplit(splits, SPLIT, context);
      return split === null
        ? idleReader
        : new TcpLinesReader({ ...options, lineBytesMax }, split.position, context);
    },
    describe: (_split, position, offset) => `${host}:${port} line ${position + offset}`,
  };
}

type ReaderOptions = TcpLinesOptions & { readonly lineBytesMax: number };

type Connection =
  | { readonly kind: 'none' }
  | { readonly kind: 'connecting' }
  | { readonly kind: 'open'; readonly socket: Socket; paused: boolean }
  | { readonly kind: 'waiting'; readonly timer: TimerHandle }
  /** `error` null: the sender has closed it. */
  | { readonly kind: 'over'; readonly error: unknown }
  | { readonly kind: 'closed' };

class TcpLinesReader implements SourceReader<string, number> {
  private readonly options: ReaderOptions;
  private readonly context: SourceContext;
  private connection: Connection = { kind: 'none' };
  private scanner: LineScanner;
  /** Lines without line end that a closed connection has left. */
  private rest: string[] = [];
  private lines: number;
  private invalidSeen = 0;
  private longSeen = 0;
  private attempts = 0;
  private ended = false;
  private waiting: (() => void) | null = null;

  constructor(options: ReaderOptions, lines: number, context: SourceContext) {
    this.options = options;
    this.lines = lines;
    this.context = context;
    this.scanner = this.newScanner();
  }

  async poll(recordsMax: number): Promise<Polled<string, number>> {
    for (;;) {
      const polled = this.answer(recordsMax);
      if (polled !== null) return polled;
      await new Promise<void>((resolve) => {
        this.waiting = resolve;
        if (this.connection.kind === 'none') this.connect();
      });
    }
  }

  close(): void {
    const connection = this.connection;
    this.connection = { kind: 'closed' };
    if (connection.kind === 'open') connection.socket.destroy();
    if (connection.kind === 'waiting') connection.timer.cancel();
    this.wake();
  }

  private answer(recordsMax: number): Polled<string, number> | null {
    const { connection } = this;
    if (connection.kind === 'closed' || this.ended) return NOTHING_LEFT;
    const values = this.rest.splice(0, recordsMax);
    this.scanner.take(recordsMax, values);
    this.countOdd();
    // Also when every line was skipped: a connection that is held back for nothing would stay so.
    if (connection.kind === 'open') this.resume(connection);
    if (values.length > 0) {
      this.lines += values.length;
      return { kind: 'records', split: SPLIT, values, next: this.lines };
    }
    if (connection.kind !== 'over') return null;
    if (connection.error !== null) throw this.failure(connection.error);
    this.ended = true;
    return { kind: 'splitEnd', split: SPLIT };
  }

  private connect(): void {
    const { host, port } = this.options;
    this.connection = { kind: 'connecting' };
    this.scanner = this.newScanner();
    const handlers = {
      onData: (bytes: Uint8Array) => this.received(bytes),
      onEnd: (error: Error | null) => this.disconnected(error),
    };
    this.context.runtime.sockets.connect({ host, port }, handlers).then(
      (socket) => this.connected(socket),
      (error: unknown) => this.disconnected(error ?? new Error('no reason was given')),
    );
  }

  private connected(socket: Socket): void {
    // Closed meanwhile, or ended before the promise came through.
    if (this.connection.kind !== 'connecting') return socket.destroy();
    this.connection = { kind: 'open', socket, paused: false };
    this.holdBack();
  }

  private received(bytes: Uint8Array): void {
    if (this.connection.kind !== 'open' && this.connection.kind !== 'connecting') return;
    try {
      this.scanner.push(bytes);
    } catch (error) {
      if (this.connection.kind === 'open') this.connection.socket.destroy();
      this.connection = { kind: 'over', error };
    }
    // A connection that delivers is a good one: the next failure starts counting anew.
    this.attempts = 0;
    this.holdBack();
    this.wake();
  }

  private disconnected(reason: unknown): void {
    if (this.connection.kind !== 'open' && this.connection.kind !== 'connecting') return;
    const error = this.takeUnfinished(reason);
    const { reconnect } = this.options;
    if (reconnect === undefined || this.attempts >= reconnect.attemptsMax) {
      this.connection = { kind: 'over', error };
    } else {
      this.attempts += 1;
      this.context.warn('a connection has ended: connecting again', { attempt: this.attempts, error });
      this.context.count('source.reconnects', 1);
      const timer = this.context.runtime.timers.after(reconnect.delayMs, () => this.connect());
      this.connection = { kind: 'waiting', timer };
    }
    this.wake();
  }

  /** Lines that are whole are handed over whatever happened to the connection. Answers what it ended with. */
  private takeUnfinished(error: unknown): unknown {
    try {
      while (this.scanner.hasLine) {
        const lines: string[] = [];
        this.scanner.take(Number.POSITIVE_INFINITY, lines);
        this.rest = this.rest.concat(lines);
      }
      if (error === null) this.scanner.takeRest(this.rest);
    } catch (unreadable) {
      return unreadable;
    } finally {
      this.countOdd();
    }
    const bytes = this.scanner.dropRest();
    if (bytes > 0) this.context.warn('a connection broke within a line: its beginning is dropped', { bytes });
    return error;
  }

  private countOdd(): void {
    const invalid = this.scanner.invalidLines - this.invalidSeen;
    if (invalid > 0) this.context.count('source.linesInvalid', invalid);
    this.invalidSeen = this.scanner.invalidLines;
    const long = this.scanner.longLines - this.longSeen;
    if (long === 0) return;
    const { host, port } = this.options;
    if (this.longSeen === 0)
      this.context.warn('lines that are too long are skipped', { from: `${host}:${port}` });
    this.longSeen = this.scanner.longLines;
    this.context.count('source.linesTooLong', long);
  }

  private holdBack(): void {
    const { connection } = this;
    if (connection.kind !== 'open' || connection.paused) return;
    if (!this.scanner.hasLine || this.scanner.bufferedBytes < SOCKET_BUFFER_BYTES) return;
    connection.paused = true;
    connection.socket.pause();
  }

  private resume(connection: Extract<Connection, { kind: 'open' }>): void {
    if (!connection.paused) return;
    if (this.scanner.hasLine && this.scanner.bufferedBytes > SOCKET_BUFFER_BYTES / 2) return;
    connection.paused = false;
    connection.socket.resume();
  }

  private wake(): void {
    const { waiting } = this;
    this.waiting = null;
    waiting?.();
  }

  private newScanner(): LineScanner {
    this.invalidSeen = 0;
    this.longSeen = 0;
    const { host, port, lineBytesMax, longLine, invalid } = this.options;
    const first = this.lines;
    return new LineScanner(
      {
        lineBytesMax,
        longLine: longLine ?? 'fail',
        invalid: invalid ?? 'replace',
        describe: (offset) => `${host}:${port}, byte ${offset} after line ${first}`,
      },
      true,
    );
  }

  private failure(error: unknown): unknown {
    if (error instanceof ConnectorError) return error;
    const { host, port } = this.options;
    return new ConnectorError(`The connection to ${host}:${port} has failed.`, {
      operator: this.context.operator,
      cause: error,
      remedy: 'Check that the server runs there and can be reached, or set reconnect.',
    });
  }
}
