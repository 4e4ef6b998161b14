import type { SociIndexBuilderProps } from './soci-index-builder-props';
import { rules } from './synth-rules';

/** The template for the tags of what a builder makes. Indexes of version 1 have none, which the filter would have to exclude. */
export function outputTagOf({ indexVersion, outputTag }: SociIndexBuilderProps): string {
  return indexVersion?.value === 'V1' ? rules.NO_OUTPUT_TAG : (outputTag ?? rules.DEFAULT_OUTPUT_TAG);
}
