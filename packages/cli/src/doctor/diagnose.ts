import type { Found, NotChecked, RuledOut } from './cause.ts';
import { CAUSES } from './causes.ts';
import { runsLazily } from './checks/task-checks.ts';
import type { Evidence } from './evidence.ts';

/** Result of a diagnosis. */
export interface Diagnosis {
  /**
   * - `cause-found`: the image does not load lazily.
   * - `nothing-to-gain`: it does not, and need not.
   * - `lazy`: it loads lazily, as far as the evidence shows.
   */
  readonly verdict: 'cause-found' | 'nothing-to-gain' | 'lazy';
  /** What was found, the likeliest first. */
  readonly findings: readonly (Found & Checked)[];
  readonly ruledOut: readonly (RuledOut & Checked)[];
  readonly notChecked: readonly (NotChecked & Checked)[];
}

/** The cause that a result is about. */
export interface Checked {
  readonly cause: string;
  readonly title: string;
}

const SEVERITY: Readonly<Record<Found['kind'], number>> = { cause: 0, 'no-gain': 1, note: 2 };

/** Checks all causes. */
export function diagnose(evidence: Evidence): Diagnosis {
  const results = CAUSES.map(({ id: cause, title, check }) => ({ cause, title, ...check(evidence) }));
  const isLazy = runsLazily(evidence) === true;
  const findings = results
    .filter((result) => result.outcome === 'found')
    // The task says that the container loads lazily. What else was found does not prevent it.
    .map((finding): Found & Checked => (isLazy ? { ...finding, kind: 'note' } : finding))
    .toSorted((a, b) => SEVERITY[a.kind] - SEVERITY[b.kind]);
  const [first] = findings;
  return {
    verdict: first?.kind === 'cause' ? 'cause-found' : first?.kind === 'no-gain' ? 'nothing-to-gain' : 'lazy',
    findings,
    ruledOut: results.filter((result) => result.outcome === 'ruled-out'),
    notChecked: results.filter((result) => result.outcome === 'not-checked'),
  };
}
