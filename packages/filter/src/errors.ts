import { escapeText, quoteText } from './escape-text.ts';

/** A fault in an event or in a list of filters. */
export interface Fault {
  /** Path in an event, such as `detail.image-digest`; empty for the event itself. Absent for faults in text. */
  readonly path?: string;
  /** Zero-based character position in the list of filters. Absent for faults in an event. */
  readonly position?: number;
  /** Actual and expected value. */
  readonly problem: string;
}

/** Machine-readable code of a {@link FilterError}. */
export type FilterErrorCode =
  /** The input is not a valid event of Amazon ECR. */
  | 'EVENT_INVALID'
  /** The text is not a valid list of filters. */
  | 'FILTERS_INVALID'
  /** An option is invalid. */
  | 'OPTION_INVALID';

/** Maximum number of faults in a message. {@link FilterError.faults} contains all of them. */
const MAX_SHOWN_FAULTS = 20;

/** Error of `@soci/filter`. Check {@link FilterError.code}, not the message. */
export class FilterError extends Error {
  override readonly name = 'FilterError';
  /** Machine-readable code. */
  readonly code: FilterErrorCode;
  /** All faults, in the order of the input. Empty if the message describes the input as a whole. */
  readonly faults: readonly Fault[];

  constructor(code: FilterErrorCode, subject: string, faults: readonly Fault[] = []) {
    const shown = faults.slice(0, MAX_SHOWN_FAULTS).map(formatFault);
    if (faults.length > MAX_SHOWN_FAULTS) shown.push(`and ${faults.length - MAX_SHOWN_FAULTS} more`);
    super(escapeText(faults.length === 0 ? subject : `${subject}: ${shown.join('; ')}`));
    this.code = code;
    this.faults = faults;
  }
}

function formatFault({ path, position, problem }: Fault): string {
  if (position !== undefined) return `at character ${position + 1}, ${problem}`;
  return path ? `${path} ${problem}` : `it ${problem}`;
}

/** Formats an untrusted value for a message: short, and without characters that could forge a log line. */
export function quoteShort(value: unknown): string {
  if (typeof value === 'string') return quoteText(value);
  if (value === null || typeof value === 'boolean') return String(value);
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
