// The roof of `weirjs/chaos`: deterministic simulation and fault injection for stream jobs and actor apps.

export { type CustomVerdict, check } from './check.js';
export type { Duration } from './durations.js';
export type { EveryOperationOptions, EveryOperationReport } from './every-operation.js';
export type { EveryStepOptions, EveryStepReport } from './every-step.js';
export type {
  FiredFault,
  Outcome,
  PropertyCount,
  RunCounts,
  RunSpec,
  RunTrace,
  Subject,
  TraceEvent,
  UnfiredFault,
  Violation,
} from './execution.js';
export type {
  ExploreOptions,
  ExploreProgress,
  ExploreReport,
  Failure,
  ShrinkSummary,
  SwarmOptions,
} from './exploration.js';
export { failureText } from './failure-report.js';
export { fault, planOf } from './fault.js';
export {
  type ChaosMode,
  FAULT_KINDS,
  type FaultClass,
  type FaultKind,
  type FaultKindInfo,
} from './fault-kinds.js';
export { InjectedFault } from './injected.js';
export { LeakError } from './leaks.js';
export type { Plan, PlannedFault, Trigger } from './plan.js';
export { parsePlan, planText } from './plan-json.js';
export { planSchema } from './plan-schema.js';
export type { Probe } from './probe.js';
export { property } from './property.js';
export type {
  ActiveToxic,
  Toxic,
  ToxicDirection,
  ToxicKind,
} from './real-toxic-kinds.js';
export { type ToxicProxy, toxicProxy } from './real-toxic-proxy.js';
export { type Runnable, type RunOnceOptions, type RunOnceResult, ViolationError } from './runnable.js';
export { type JobScenario, scenario } from './scenario.js';
export type {
  Check,
  CommittedResult,
  FaultSpec,
  FinishedRun,
  InputGenerator,
  JobScenarioOptions,
  JobWorld,
  PredicateView,
} from './scenario-options.js';
export { type ActorScenarioOptions, actorScenario, type SimulateOptions, simulate } from './simulate.js';
export type { SimulatedClock, SimulatedProgram, SimulatedWorld } from './simulated-app.js';
