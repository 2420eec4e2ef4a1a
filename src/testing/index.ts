// The roof of `weirjs/testing`: what tests of jobs, operators and connectors need.

export { ContractViolation } from './contract-run.js';
export {
  clock,
  END,
  idle,
  OperatorCheck,
  type OperatorOutput,
  type OperatorStep,
  record,
  side,
  type VerifyOptions,
  verifyOperator,
  watermark,
} from './operator-harness.js';
export { verifySink } from './sink-contract.js';
export type { SinkContractOptions } from './sink-model.js';
export { type SourceContractOptions, verifySource } from './source-contract.js';
export { type VirtualRuntime, type VirtualRuntimeOptions, virtualRuntime } from './virtual-runtime.js';
