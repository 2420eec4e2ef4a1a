// The form of plans as a JSON Schema, for editors and other programs.
//
// Owns:    the schema, made from the table of faults.
// Not:     reading plans (plan-json.ts), which also checks what a schema cannot say: that indices exist and form no circle.

import { PROTOCOL_STEPS } from '../task/effect.js';
import { FAULT_KINDS, type FaultKind, type FaultKindInfo } from './fault-kinds.js';
import { PLAN_VERSION } from './plan.js';
import {
  COUNT_RANGE,
  type NumberRange,
  PROBABILITY_RANGE,
  parameterRange,
  TARGET_FORMS,
  TIME_RANGE,
} from './plan-checks.js';
import { PLAN_FAULTS_MAX } from './plan-json.js';
import { JOB_ROLES } from './scenario-options.js';

/** A JSON Schema, or a part of one. */
export type JsonSchema = Readonly<Record<string, unknown>>;

const INDEX = { type: 'integer', minimum: 0, maximum: PLAN_FAULTS_MAX - 1 };

const TRIGGER: JsonSchema = {
  oneOf: [
    trigger('nth', { n: numeric(COUNT_RANGE) }),
    trigger('every', { n: numeric(COUNT_RANGE) }),
    trigger(
      'step',
      { step: { enum: PROTOCOL_STEPS }, n: numeric(COUNT_RANGE) },
      { role: { enum: JOB_ROLES } },
    ),
    trigger('time', { ms: numeric(TIME_RANGE) }),
    trigger('when', { predicate: { type: 'string', minLength: 1 } }),
    trigger('chance', { probability: numeric(PROBABILITY_RANGE) }),
    trigger('during', { fault: INDEX }),
  ],
};

/** JSON Schema, draft 2020-12, of a plan. */
export const planSchema: JsonSchema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'Plan of faults',
  ...closed({
    version: { const: PLAN_VERSION },
    faults: {
      type: 'array',
      maxItems: PLAN_FAULTS_MAX,
      items: { oneOf: [...FAULT_KINDS].map(([kind, info]) => faultSchema(kind, info)) },
    },
  }),
  $defs: { trigger: TRIGGER },
};

function faultSchema(kind: FaultKind, info: FaultKindInfo): JsonSchema {
  const parameters = Object.entries(info.parameters).map(([name, one]): [string, JsonSchema] => [
    name,
    { ...numeric(parameterRange(one)), default: one.default },
  ]);
  return {
    description: `${info.number}: ${info.title}`,
    ...closed(
      {
        kind: { const: kind },
        target: { type: 'string', pattern: TARGET_FORMS[info.target].pattern.source },
        trigger: { $ref: '#/$defs/trigger' },
      },
      {
        times: { oneOf: [numeric(COUNT_RANGE), { type: 'null' }], default: 1 },
        forMs: numeric(TIME_RANGE),
        after: INDEX,
        parameters: closed({}, Object.fromEntries(parameters)),
      },
    ),
  };
}

function trigger(kind: string, needed: JsonSchema, optional: JsonSchema = {}): JsonSchema {
  return closed({ kind: { const: kind }, ...needed }, optional);
}

function numeric(range: NumberRange): JsonSchema {
  return { type: range.whole ? 'integer' : 'number', minimum: range.min, maximum: range.max };
}

/** An object with these fields and no others. */
function closed(needed: JsonSchema, optional: JsonSchema = {}): JsonSchema {
  return {
    type: 'object',
    properties: { ...needed, ...optional },
    required: Object.keys(needed),
    additionalProperties: false,
  };
}
