// What has failed and is left out (onError): counted, told, and made into a letter.
//
// Owns:    the counters, the lines in the log, the letter.
// Not:     which failures these are (poison.ts), taking back what was done (trial.ts).

import type { WeirError } from '../base/errors.js';
import type { Logger } from '../base/logger.js';
import { Tenfold } from '../base/tenfold.js';
import { MIN_TIMESTAMP, showTime } from '../base/timestamps.js';
import { DEAD_LETTERS, type DeadLetter, errorOfLetter, type OnError, RECORDS_SKIPPED } from './poison.js';
import { shown } from './user-code.js';

/** What failed. Timestamp MIN_TIMESTAMP: it has none. */
export type Failed = Omit<DeadLetter, 'operator' | 'error' | 'timestamp'> & { readonly timestamp: number };

export interface LeftOutOf {
  readonly name: string;
  readonly logger: Logger;
  readonly count: (metric: string, delta: number) => void;
}

export class LeftOut {
  private readonly of: LeftOutOf;
  private readonly policy: Exclude<OnError, 'fail'>;
  private readonly failures = new Tenfold();

  constructor(of: LeftOutOf, policy: Exclude<OnError, 'fail'>) {
    this.of = of;
    this.policy = policy;
  }

  /** Where letters go; null: nowhere. */
  get tag(): string | null {
    return this.policy === 'skip' ? null : this.policy.tag.name;
  }

  note(failed: Failed, error: WeirError): void {
    this.of.count(this.policy === 'skip' ? RECORDS_SKIPPED : DEAD_LETTERS, 1);
    if (this.failures.step()) this.tell(failed, error);
  }

  letter({ timestamp, ...failed }: Failed, error: WeirError): DeadLetter {
    return {
      ...failed,
      operator: this.of.name,
      timestamp: timestamp > MIN_TIMESTAMP ? timestamp : null,
      error: errorOfLetter(error),
    };
  }

  private tell({ trigger, record, position, key, timestamp }: Failed, error: WeirError): void {
    this.of.logger.warn(
      {
        failures: this.failures.count,
        error,
        ...(trigger === 'record' ? { record: shown(record) } : {}),
        ...(position === null ? {} : { position }),
        ...(key === null ? {} : { key: shown(key) }),
        ...(timestamp > MIN_TIMESTAMP ? { timestamp: showTime(timestamp) } : {}),
      },
      `a ${trigger} failed and was ${this.policy === 'skip' ? 'skipped' : 'sent to the dead letters'}, as onError says`,
    );
  }
}
