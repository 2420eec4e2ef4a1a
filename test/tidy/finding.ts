// One breach of a rule, and how it is shown.

export interface Finding {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** Short name of the rule: `layers`, `cycles`, ... */
  readonly rule: string;
  /** What was found. */
  readonly message: string;
  /** What to do about it, in the imperative. */
  readonly remedy: string;
}

/** `file:line  rule  message Remedy`, so that a terminal can jump to the place. */
export function showFinding(finding: Finding): string {
  return `${finding.file}:${finding.line}  [${finding.rule}] ${finding.message} ${finding.remedy}`;
}
