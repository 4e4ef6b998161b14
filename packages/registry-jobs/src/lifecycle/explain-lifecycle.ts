import type { OutputTag } from '@soci/filter';
import type { ListedImage } from '@soci/oci';
import { type LifecyclePolicy, type LifecycleRule, selectsTags } from './lifecycle-policy.ts';

/**
 * What a rule does to images and their SOCI-enabled images:
 *
 * - `counts-both`: it counts an image and its SOCI-enabled image as two images, so that it keeps half as many.
 * - `keeps-index`: it selects images, but not their SOCI-enabled images. These remain.
 * - `removes-index`: it selects SOCI-enabled images, but not their images. The images lose their index.
 * - `pull-times-differ`: it uses pull times. Clients pull the SOCI-enabled image, so the image looks unused.
 * - `removes-v1`: it selects untagged manifests, such as SOCI indexes of version 1. Manifests that an image lists are kept.
 * - `together`: it treats both in the same way.
 */
export type LifecycleEffect =
  | 'counts-both'
  | 'keeps-index'
  | 'removes-index'
  | 'pull-times-differ'
  | 'removes-v1'
  | 'together';

/** What a rule does. */
export interface RuleExplanation {
  /** Priority of the rule. */
  readonly rulePriority: number;
  /** What it does; at least one effect. */
  readonly effects: readonly LifecycleEffect[];
  /** Number of listed images that the rule selects. */
  readonly images: number;
  /** Number of listed SOCI-enabled images that the rule selects. */
  readonly indexes: number;
}

/** A tag, and the tag of its SOCI-enabled image. */
interface TagPair {
  readonly tag: string;
  readonly output: string;
}

/** End of the description of a rule whose limit allows for the SOCI-enabled images that it counts. */
export const COUNTS_PAIRS = '(counts SOCI-enabled images, too)';

/** Tags that stand for those of a repository without images. */
const SAMPLE_TAGS = ['latest', 'v1', '1.2.3'];

/**
 * Says what each rule of a lifecycle policy does to images and their SOCI-enabled images.
 *
 * @param images - Listing of the repository. Without images, sample tags and those of the patterns are used.
 */
export function explainLifecycle(
  policy: LifecyclePolicy,
  images: readonly ListedImage[],
  outputTag: OutputTag,
): readonly RuleExplanation[] {
  const tags = images.flatMap((image) => image.tags.map((tag) => ({ tag, digest: image.digest })));
  const sources = tags.filter(({ tag }) => !outputTag.isOutput(tag));
  const pairs = sources.map(({ tag, digest }) => ({ tag, output: outputTag.format({ tag, digest }) ?? '' }));
  return policy.rules.map((rule) => ({
    rulePriority: rule.rulePriority,
    effects: effectsOf(rule, policy, pairs.length > 0 ? pairs : samplePairs(rule, outputTag)),
    images: sources.filter(({ tag }) => selectsTags(rule, [tag])).length,
    indexes: tags.filter(({ tag }) => outputTag.isOutput(tag) && selectsTags(rule, [tag])).length,
  }));
}

function samplePairs({ selection }: LifecycleRule, outputTag: OutputTag): readonly TagPair[] {
  const { tagPatternList = [], tagPrefixList = [] } = selection;
  const own = [
    ...tagPatternList.map((pattern) => pattern.replaceAll('*', '1')),
    ...tagPrefixList.map((prefix) => `${prefix}1`),
  ];
  const digest = `sha256:${'0'.repeat(64)}`;
  return [...SAMPLE_TAGS, ...own]
    .filter((tag) => !outputTag.isOutput(tag))
    .map((tag) => ({ tag, output: outputTag.format({ tag, digest }) ?? '' }));
}

function effectsOf(
  rule: LifecycleRule,
  { rules }: LifecyclePolicy,
  pairs: readonly TagPair[],
): readonly LifecycleEffect[] {
  const { tagStatus, countType } = rule.selection;
  if (tagStatus === 'untagged') return ['removes-v1'];
  const selects = (tag: string) => selectsTags(rule, [tag]);
  const twins = rules.filter((other) => other !== rule && hasSameLimit(other, rule));
  const isCovered = (tag: string) => selects(tag) || twins.some((twin) => selectsTags(twin, [tag]));
  const both = pairs.some(({ tag, output }) => selects(tag) && selects(output));
  const effects: LifecycleEffect[] = [];
  const countsPairs = rule.description?.endsWith(COUNTS_PAIRS) === true;
  if (both && countType === 'imageCountMoreThan' && !countsPairs) effects.push('counts-both');
  if (pairs.some(({ tag, output }) => selects(tag) && !isCovered(output))) effects.push('keeps-index');
  if (pairs.some(({ tag, output }) => !isCovered(tag) && selects(output))) effects.push('removes-index');
  if (countType === 'sinceImagePulled') effects.push('pull-times-differ');
  return effects.length === 0 ? ['together'] : effects;
}

/** Returns whether two rules remove or archive images after the same time, or beyond the same number. */
function hasSameLimit(one: LifecycleRule, other: LifecycleRule): boolean {
  const limitOf = ({ selection, action }: LifecycleRule) =>
    JSON.stringify([
      selection.countType,
      selection.countUnit,
      selection.countNumber,
      action.type,
      action.targetStorageClass,
    ]);
  return limitOf(one) === limitOf(other);
}
