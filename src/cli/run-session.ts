// `weir run`: one job from its start to its end, with somebody watching and able to interrupt.
//
// Owns:    the options that the command line turns into, the status round, interrupts, the exit code.
// Not:     what is shown (run-reporter.ts), the order of interrupts (interrupts.ts), running the job (actors/run.ts).
//
// S1. A status is asked for when the one before it has been answered and shown: a busy job is not asked twice.
// S2. An interrupt before the job runs cancels it: nothing has been done that could be kept.
// S3. A stop that fails leaves the job running, and the next interrupt cancels it.
// S4. A job that waits for a restart has nothing newer than its last checkpoint: it is canceled rather than asked for one, so
//     that one SIGTERM is enough for it too.

import { join } from 'node:path';
import type { JobHandle, JobResult, JobStatus } from '../../actors/job-handle.js';
import { run } from '../../actors/run.js';
import type { RunOptions } from '../../actors/run-options.js';
import type { JobDefinition } from '../api/define-job.js';
import { ConfigError, JobDefinitionError, messageOf } from '../base/errors.js';
import { CHECKPOINT_INTERVAL_MS } from '../base/limits.js';
import type { Runtime, TimerHandle } from '../base/runtime.js';
import type { RunCommand } from './command-line.js';
import { EXIT_CANCELED, EXIT_FAILED, EXIT_OK, EXIT_USAGE, type ExitCode } from './exit-codes.js';
import { Interrupts } from './interrupts.js';
import { ProgressMeter } from './progress-meter.js';
import { entryLogger, type LogEntry, type RunReporter } from './run-reporter.js';
import type { Shell } from './shell.js';

export interface RunSessionOptions {
  readonly job: JobDefinition;
  readonly command: RunCommand;
  readonly runtime: Runtime;
  readonly reporter: RunReporter;
  readonly shell: Shell;
  /** Between status lines; 0: none. */
  readonly statusIntervalMs: number;
}

const ENDS: ReadonlySet<JobStatus['state']> = new Set(['FINISHED', 'SUSPENDED', 'CANCELED', 'FAILED']);

export class RunSession {
  private readonly options: RunSessionOptions;
  private readonly directory: string | null;
  private readonly intervalMs: number;
  private readonly interrupts = new Interrupts();
  private readonly abort = new AbortController();
  private readonly meter = new ProgressMeter();
  private handle: JobHandle | null = null;
  private alarm: TimerHandle | null = null;
  private ended = false;
  /** Of the first attempt; undefined until it begins. */
  private restoredFrom: string | null | undefined = undefined;
  private finishedBefore: number | null = null;

  constructor(options: RunSessionOptions) {
    this.options = options;
    const { checkpoints } = options.command;
    this.directory =
      checkpoints === null
        ? null
        : checkpoints.kind === 'directory'
          ? checkpoints.directory
          : join('.weir', String(options.job.name));
    this.intervalMs = checkpoints?.intervalMs ?? CHECKPOINT_INTERVAL_MS;
  }

  async run(): Promise<ExitCode> {
    const { reporter, shell } = this.options;
    const uninstall = shell.onInterrupt((reason) => this.interrupted(reason));
    try {
      return await this.runToEnd();
    } catch (error) {
      reporter.failed(error);
      return error instanceof JobDefinitionError || error instanceof ConfigError ? EXIT_USAGE : EXIT_FAILED;
    } finally {
      this.ended = true;
      this.alarm?.cancel();
      uninstall();
      reporter.close();
    }
  }

  private async runToEnd(): Promise<ExitCode> {
    const { job, runtime, reporter, command } = this.options;
    const { directory } = this;
    const startedMs = runtime.clock.monotonicMs();
    const handle = await run(job, this.runOptions());
    this.handle = handle;
    reporter.started({
      job: job.name,
      parallelism: command.parallelism,
      guarantee: handle.guarantee,
      checkpoints: directory === null ? null : { directory, intervalMs: this.intervalMs },
      restoredFrom: this.restoredFrom ?? null,
    });
    this.scheduleStatus(handle);
    const result = await handle.finished;
    this.ended = true;
    const durationMs = runtime.clock.monotonicMs() - startedMs;
    reporter.ended({
      result,
      durationMs,
      directory,
      finishedBefore: this.finishedBefore,
      again: command.again,
    });
    return exitCodeOf(result);
  }

  private runOptions(): RunOptions {
    const { command, runtime } = this.options;
    return {
      runtime,
      logger: entryLogger((entry) => this.logged(entry)),
      signal: this.abort.signal,
      parallelism: command.parallelism,
      allowNonRestoredState: command.allowNonRestoredState,
      ...(command.maxParallelism === null ? {} : { maxParallelism: command.maxParallelism }),
      ...(command.from === null ? {} : { from: command.from }),
      ...(this.directory === null
        ? {}
        : { checkpoint: { dir: this.directory, intervalMs: this.intervalMs } }),
      ...(command.restartsMax === null ? {} : { restart: restartOptions(command.restartsMax) }),
    };
  }

  private logged(entry: LogEntry): void {
    const { fields } = entry;
    if (typeof fields['finishedBefore'] === 'number') {
      // Part of the end: at the start it would be taken for a problem.
      this.finishedBefore = fields['finishedBefore'];
      return;
    }
    // What the first attempt starts from, and what the job promises, are part of the start.
    if (this.restoredFrom === undefined && 'restoredFrom' in fields) {
      this.restoredFrom = typeof fields['restoredFrom'] === 'string' ? fields['restoredFrom'] : null;
    } else if (!('guarantee' in fields)) {
      this.options.reporter.log(entry);
    }
  }

  // ------------------------------------------------------------- status

  private scheduleStatus(handle: JobHandle): void {
    const { statusIntervalMs, runtime } = this.options;
    if (statusIntervalMs === 0 || this.ended) return;
    this.alarm = runtime.timers.after(statusIntervalMs, () => void this.showStatus(handle));
  }

  private async showStatus(handle: JobHandle): Promise<void> {
    const { reporter, runtime } = this.options;
    try {
      const status = await handle.status();
      if (this.ended) return;
      const { clock } = runtime;
      reporter.status(
        this.meter.observe(status, { wallMs: clock.wallMs(), monotonicMs: clock.monotonicMs() }),
      );
    } catch (error) {
      // Not knowing how a job does is no reason to end it.
      if (!this.ended) reporter.note(`the status of the job could not be read: ${messageOf(error)}`);
    }
    this.scheduleStatus(handle);
  }

  // ------------------------------------------------------------- interrupts

  private interrupted(reason: string): void {
    if (this.ended) return;
    const { reporter, shell } = this.options;
    const { handle } = this;
    switch (this.interrupts.press(handle !== null && this.directory !== null)) {
      case 'stop':
        reporter.note(`${reason}: stopping with a checkpoint; once more cancels the job`);
        if (handle !== null) void this.stop(handle);
        return;
      case 'cancel':
        reporter.note(`${reason}: canceling the job; once more leaves at once`);
        this.abort.abort();
        return;
      default:
        reporter.close();
        shell.exitNow(EXIT_CANCELED);
    }
  }

  private async stop(handle: JobHandle): Promise<void> {
    const { reporter } = this.options;
    try {
      const { state } = await handle.status();
      if (state === 'RESTARTING' || state === 'FAILING') {
        reporter.note(
          'the job waits for a restart, so its last checkpoint is the newest there is: canceling it',
        );
        return this.abort.abort();
      }
      await handle.stop();
    } catch (error) {
      // A job that has ended meanwhile says so itself.
      if (this.ended || ENDS.has((await handle.status()).state)) return;
      reporter.note(
        `the job could not be stopped with a checkpoint and goes on; once more cancels it: ${messageOf(error)}`,
      );
    }
  }
}

function restartOptions(attempts: number): NonNullable<RunOptions['restart']> {
  return attempts === 0 ? { kind: 'none' } : { kind: 'exponentialDelay', attempts };
}

function exitCodeOf(result: JobResult): ExitCode {
  return result.state === 'CANCELED' ? EXIT_CANCELED : EXIT_OK;
}
