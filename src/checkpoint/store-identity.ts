// Whose directory this is, and whether this version may touch it.
//
// Owns:    the identity row and the refusals that come from it.
// Not:     what else is in the directory.
//
// I1. The identity is written before anything else and never changes; a directory with rows but without it is not ours.
// I2. A newer format, another job, or a savepoint in the place of a job is refused before anything is written.

import { RestoreError } from '../base/errors.js';
import type { KeyValueEnvironment, StoreWrite } from '../base/runtime.js';
import { FORMAT_VERSION } from './manifest.js';
import { CHUNKS, IDENTITY_KEY, identityValue, MANIFESTS, META, readIdentity } from './store-rows.js';

export interface StoreIdentity {
  readonly format: number;
  /** `job`: checkpoints of a running job; `savepoint`: one savepoint, never written again. */
  readonly kind: 'job' | 'savepoint';
  readonly job: string;
}

export function identityWrite(kind: StoreIdentity['kind'], job: string): StoreWrite {
  return {
    kind: 'put',
    table: META,
    key: IDENTITY_KEY,
    value: identityValue({ format: FORMAT_VERSION, kind, job }),
  };
}

/** Null for an empty directory. Throws RestoreError when this version cannot read what is there. */
export function identityOf(environment: KeyValueEnvironment, directory: string): StoreIdentity | null {
  const bytes = environment.get(META, IDENTITY_KEY);
  if (bytes === undefined) {
    const empty = [META, MANIFESTS, CHUNKS].every(
      (table) => environment.range(table, { limit: 1 }).length === 0,
    );
    if (empty) return null;
    throw new RestoreError(
      `The directory ${directory} has checkpoint rows, but does not say whose they are.`,
      {
        remedy: 'It is damaged: restore it from a backup, or use another directory.',
      },
    );
  }
  const identity = readIdentity(bytes);
  if (!isIdentity(identity)) {
    throw new RestoreError(
      `The directory ${directory} does not say in a readable way whose checkpoints it has.`,
      {
        remedy: 'It is damaged: restore it from a backup, or use another directory.',
      },
    );
  }
  if (identity.format > FORMAT_VERSION) {
    throw new RestoreError(
      `The checkpoints in ${directory} have format ${identity.format}; this version of Weir reads up to format ${FORMAT_VERSION}.`,
      { remedy: 'Use the version that wrote them or a newer one, or another directory.' },
    );
  }
  return identity;
}

/** Throws RestoreError unless the directory is new or belongs to this job. */
export function refuseForeign(identity: StoreIdentity | null, directory: string, job: string): void {
  if (identity === null) return;
  if (identity.kind === 'savepoint') {
    throw new RestoreError(
      `The directory ${directory} holds a savepoint of job "${identity.job}"; checkpoints of job "${job}" would spoil it.`,
      { remedy: 'Start from it as a savepoint, and use another directory for checkpoints.' },
    );
  }
  if (identity.job !== job) {
    throw new RestoreError(
      `The directory ${directory} has the checkpoints of job "${identity.job}", not of job "${job}".`,
      {
        remedy: `Use another checkpoint directory for "${job}", or rename the job back to "${identity.job}".`,
      },
    );
  }
}

function isIdentity(value: unknown): value is StoreIdentity {
  if (typeof value !== 'object' || value === null) return false;
  const { format, kind, job } = value as Partial<Record<keyof StoreIdentity, unknown>>;
  // `kind` may have other values in a newer format, which is refused by its number.
  return typeof format === 'number' && typeof kind === 'string' && typeof job === 'string';
}
