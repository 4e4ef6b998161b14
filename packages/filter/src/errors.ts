/** One thing that is wrong with an event or with filters. */
export interface Fault {
  /** Where in an event, such as `detail.image-digest`; empty for the event itself. Absent where a text is at fault. */
  readonly path?: string;
  /** Where in a text, in characters from 0. Absent where an event is at fault. */
  readonly position?: number;
  /** What is there, and what is expected. */
  readonly problem: string;
}

/** What went wrong, for a caller to branch on. The message of a {@link FilterError} says what, where and what to do. */
export type FilterErrorCode =
  /** An event that is not one of Amazon ECR's, or that breaks its form. */
  | 'EVENT_INVALID'
  /** Text that is no list of filters. */
  | 'FILTERS_INVALID'
  /** An option of the caller's that is out of its range. */
  | 'OPTION_INVALID';

/** Faults that a message tells; {@link FilterError.faults} has them all. */
const TOLD_FAULTS = 20;

/** The one error class of `@soci/filter`. Branch on {@link FilterError.code}, never on the message. */
export class FilterError extends Error {
  override readonly name = 'FilterError';
  /** What went wrong. */
  readonly code: FilterErrorCode;
  /** Everything that is wrong, in the order of the input. */
  readonly faults: readonly Fault[];

  constructor(code: FilterErrorCode, subject: string, faults: readonly Fault[]) {
    const told = faults.slice(0, TOLD_FAULTS).map(tellFault);
    if (faults.length > TOLD_FAULTS) told.push(`and ${faults.length - TOLD_FAULTS} more`);
    super(`${subject}: ${told.join('; ')}`);
    this.code = code;
    this.faults = faults;
  }
}

function tellFault({ path, position, problem }: Fault): string {
  if (position !== undefined) return `at character ${position + 1}, ${problem}`;
  return path ? `${path} ${problem}` : `it ${problem}`;
}

/** Characters of a foreign text that a message repeats. */
const SHOWN_LENGTH = 80;

/** A foreign value for a message: short whatever it is, and without characters that could forge a line of a log. */
export function quoteShort(value: unknown): string {
  if (typeof value === 'string') {
    if (value.length <= SHOWN_LENGTH) return JSON.stringify(value);
    return `${JSON.stringify(value.slice(0, SHOWN_LENGTH))}... of ${value.length} characters`;
  }
  if (value === null || typeof value === 'boolean') return String(value);
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
