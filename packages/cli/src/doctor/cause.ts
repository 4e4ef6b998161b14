import type { Evidence } from './evidence.ts';

/** Result of a check. */
export type CheckResult = Found | RuledOut | NotChecked;

/** The check found something. */
export interface Found {
  readonly outcome: 'found';
  /**
   * - `cause`: the image does not load lazily, or not completely.
   * - `no-gain`: lazy loading would gain nothing.
   * - `note`: worth knowing; the image still loads lazily.
   */
  readonly kind: 'cause' | 'no-gain' | 'note';
  /** The answer in one or two sentences. */
  readonly answer: string;
  /** What was read: facts with their source. */
  readonly read: readonly string[];
  /** What it means. */
  readonly means: string;
  /** Commands and settings that help. */
  readonly remedy: readonly string[];
}

/** The evidence excludes the cause. */
export interface RuledOut {
  readonly outcome: 'ruled-out';
  /** What was read. */
  readonly read: string;
}

/** The evidence does not say. */
export interface NotChecked {
  readonly outcome: 'not-checked';
  readonly reason: string;
  /** How to let doctor check it. */
  readonly hint?: string;
}

/** A cause, and the check for it. */
export interface Cause {
  /** Stable name, in the JSON output. */
  readonly id: string;
  /** What is checked: a phrase. */
  readonly title: string;
  /** Decides from the evidence alone. */
  check(evidence: Evidence): CheckResult;
}

/** Returns a {@link RuledOut}. */
export function ruledOut(read: string): RuledOut {
  return { outcome: 'ruled-out', read };
}

/** Returns a {@link NotChecked}. */
export function notChecked(reason: string, hint?: string): NotChecked {
  return { outcome: 'not-checked', reason, ...(hint !== undefined && { hint }) };
}

/** The result of checks of an image that was not found. */
export const NO_IMAGE = notChecked('the reference leads to no image');

/** Returns a {@link Found}. */
export function found(kind: Found['kind'], answer: string, details: Pick<Found, 'read' | 'means' | 'remedy'>): Found {
  return { outcome: 'found', kind, answer, ...details };
}
