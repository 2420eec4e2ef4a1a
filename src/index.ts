// The roof of `weirjs`: everything that a stream job needs, and nothing else happens here.

export type { JobHandle, JobResult, JobStatus, SavepointResult, StopOptions } from '../actors/job-handle.js';
export { run } from '../actors/run.js';
export type { CheckpointOptions, RunOptions } from '../actors/run-options.js';
export type { CollectHandle, DataStream } from './api/data-stream.js';
export { defineJob, isJobDefinition, type JobDefinition } from './api/define-job.js';
export { days, hours, milliseconds, minutes, seconds } from './api/durations.js';
export { type ExplainOptions, explain } from './api/explain-job.js';
export type { KeyedStream } from './api/keyed-stream.js';
export type { NodeOptions } from './api/node-options.js';
export type { FromOptions, StreamEnvironment } from './api/stream-environment.js';
export type { StreamInput } from './api/stream-input.js';
export type { WindowedStream } from './api/windowed-stream.js';
export { type RegistrableClass, registerType, type TypeDefinition } from './base/class-registry.js';
export * from './base/errors.js';
export { type Logger, silentLogger } from './base/logger.js';
export { nodeRuntime } from './base/node-runtime.js';
export { bigType, decimalType, temporalType, urlType } from './base/ready-registrations.js';
export type { Points, RandomStream, Runtime } from './base/runtime.js';
export { MAX_TIMESTAMP, MIN_TIMESTAMP } from './base/timestamps.js';
export type { Tuning } from './base/tuning.js';

export { arraySource, iterableSource } from './connectors/array-source.js';
export {
  type AsyncSourceOptions,
  asyncIterableSource,
  readableStreamSource,
} from './connectors/async-source.js';
export { type CollectSink, type CollectSinkOptions, collectSink } from './connectors/collect-sink.js';
export { type CsvColumn, type CsvOptions, csv, type FileFormat, ndjson } from './connectors/file-format.js';
export { type FileLinesOptions, fileLines } from './connectors/file-lines.js';
export { type FileSinkOptions, fileSink } from './connectors/file-sink.js';
export { type ForEachSinkOptions, forEachSink } from './connectors/for-each-sink.js';
export { type GeneratorOptions, generator } from './connectors/generator.js';
export { type PrintSinkOptions, print, printSink } from './connectors/print-sink.js';
export { type TcpLinesOptions, tcpLines } from './connectors/tcp-lines.js';

export type { GuaranteeReport } from './graph/job-plan.js';
export { type DeadLetter, type DeadLetters, deadLetter, type OnError } from './operators/poison.js';
export {
  type KeyedContext,
  KeyedProcessFunction,
  type OpenContext,
  type ProcessContext,
  ProcessFunction,
  type TimerContext,
} from './operators/process-function.js';
export { type OutputTag, sideOutput } from './operators/side-output.js';
export type {
  CommitOutcome,
  PlainSink,
  Sink,
  SinkContext,
  SinkWriter,
  TransactionalSink,
  TransactionalWriter,
} from './operators/sink.js';
export type {
  Polled,
  Rejected,
  Source,
  SourceContext,
  SourceReader,
  SourceSplit,
} from './operators/source.js';
export {
  aggregatingState,
  listState,
  mapState,
  reducingState,
  valueState,
} from './operators/state-handles.js';
export {
  type AscendingOptions,
  boundedOutOfOrderness,
  customWatermarks,
  monotonous,
  noWatermarks,
  punctuated,
  type StrategyOptions,
  withIdleness,
  withTimestamps,
} from './operators/watermark-generators.js';
export type { WatermarkGenerator, WatermarkStrategy } from './operators/watermark-strategy.js';
export { avg, count, max, min, sum } from './operators/windows/aggregates.js';
export {
  session,
  sliding,
  type TimeWindow,
  tumbling,
  type WindowAssigner,
} from './operators/windows/window-assigners.js';

export type { RestartOptions } from './recovery/restart-strategy.js';
export type {
  AggregateFunction,
  AggregatingState,
  ListState,
  MapState,
  ReducingState,
  TtlOptions,
  ValueState,
} from './state/descriptors.js';
