import type { OutputTag } from '@soci/filter';
import type { ListedImage } from '@soci/oci';
import { COUNTS_PAIRS, explainLifecycle } from './explain-lifecycle.ts';
import type { LifecyclePolicy, LifecycleRule } from './lifecycle-policy.ts';

/** Age at which the proposal for a repository without a policy removes untagged manifests, in days. */
const UNTAGGED_DAYS = 14;

/**
 * Proposes a lifecycle policy that keeps images and their SOCI-enabled images together:
 *
 * - A rule that does not select the SOCI-enabled images of its images gets a second rule with the same limit for them,
 *   immediately before it. A list of patterns in one rule cannot do this: an image must match each pattern of a list.
 * - A rule that counts both keeps twice as many.
 * - Without a policy, one rule removes what moved tags left behind, after 14 days. Amazon ECR keeps what an image lists.
 *
 * Other rules are unchanged. Priorities are numbered again.
 */
export function proposeLifecycle(
  policy: LifecyclePolicy | undefined,
  images: readonly ListedImage[],
  outputTag: OutputTag,
): LifecyclePolicy {
  if (policy === undefined || policy.rules.length === 0) return { rules: [UNTAGGED_RULE] };
  const effects = explainLifecycle(policy, images, outputTag);
  const rules = policy.rules.flatMap((rule, index) => {
    const { effects: found = [] } = effects[index] ?? {};
    const own = found.includes('counts-both') ? countTwice(rule) : rule;
    return found.includes('keeps-index') ? [...rulesForIndexes(rule, outputTag), own] : [own];
  });
  return { rules: rules.map((rule, index) => ({ ...rule, rulePriority: index + 1 })) };
}

const UNTAGGED_RULE: LifecycleRule = {
  rulePriority: 1,
  description: 'Remove untagged images',
  selection: {
    tagStatus: 'untagged',
    countType: 'sinceImagePushed',
    countUnit: 'days',
    countNumber: UNTAGGED_DAYS,
  },
  action: { type: 'expire' },
};

function countTwice(rule: LifecycleRule): LifecycleRule {
  const { selection } = rule;
  const description = `${rule.description ?? ''} ${COUNTS_PAIRS}`.trim();
  return { ...rule, description, selection: { ...selection, countNumber: selection.countNumber * 2 } };
}

/** Returns the rule for the SOCI-enabled images of a rule with tags. */
function rulesForIndexes(rule: LifecycleRule, outputTag: OutputTag): readonly LifecycleRule[] {
  const { tagPatternList = [], tagPrefixList = [], ...selection } = rule.selection;
  const patterns = [...tagPatternList, ...tagPrefixList.map((prefix) => `${prefix}*`)];
  const tagPatternsOfIndexes = patterns.map((pattern) =>
    outputTag.template.replaceAll('{tag}', pattern).replaceAll('{digest12}', '*'),
  );
  return [
    {
      rulePriority: rule.rulePriority,
      description: `SOCI-enabled images: ${rule.description ?? patterns.join(', ')}`.slice(0, 256),
      selection: { ...selection, tagPatternList: tagPatternsOfIndexes },
      action: rule.action,
    },
  ];
}
