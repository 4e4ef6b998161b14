import { readFileSync } from 'node:fs';
import type { LayerCase } from './layer/layer-case.ts';

/**
 * A difference that is known and not yet mended. The list (known-differences.json) may only shrink: a difference on it
 * does not fail a run, and one that no longer shows does.
 */
export interface KnownDifference {
  /** Equal to that of the difference: see outcome.ts. */
  readonly signature: string;
  /** Why it is there, and what would mend it. */
  readonly why: string;
  /** A case that shows it. */
  readonly case: LayerCase;
}

/** The list. */
export function knownDifferences(): KnownDifference[] {
  return JSON.parse(readFileSync(new URL('../known-differences.json', import.meta.url), 'utf8')) as KnownDifference[];
}
