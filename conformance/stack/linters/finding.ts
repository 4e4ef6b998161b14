/** Something that a linter has to say. */
export interface Finding {
  /** Name of the template. */
  readonly template: string;
  /** The linter's name for the rule. */
  readonly rule: string;
  /** What it is about, as the linter names resources. */
  readonly resource: string;
}
