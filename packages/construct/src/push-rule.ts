import { Token } from 'aws-cdk-lib';
import { Rule } from 'aws-cdk-lib/aws-events';
import type { Construct } from 'constructs';
import { fail } from './check-props';
import { GENERATED_NAME_LENGTH } from './indexed-repositories';
import type { SociIndexBuilderProps } from './soci-index-builder-props';
import { rules } from './synth-rules';

/** Longest pattern of a rule, in characters. @see Amazon EventBridge User Guide, "Quotas" */
const MAX_PATTERN_LENGTH = 2048;

/** Makes the rule that lets in pushes of images: of the repositories that were given, where there are any. */
export function createPushRule(
  scope: Construct,
  { repositories, untaggedImages }: SociIndexBuilderProps,
  kinds: readonly string[],
): Rule {
  const { source, detail, ...rest } = rules.eventPattern({ kinds, untagged: untaggedImages ?? false });
  const names = repositories?.map(({ repositoryName }) => repositoryName);
  const eventPattern = {
    source: [...source],
    detailType: [...rest['detail-type']],
    detail: { ...detail, ...(names && { 'repository-name': names }) },
  };
  const known = names?.map((name) => (Token.isUnresolved(name) ? '-'.repeat(GENERATED_NAME_LENGTH) : name));
  const { length } = JSON.stringify({
    source,
    ...rest,
    detail: { ...detail, ...(known && { 'repository-name': known }) },
  });
  if (length > MAX_PATTERN_LENGTH) {
    const remedy = 'use filters with wildcards, or several builders';
    fail(
      scope,
      'repositories',
      `the rule's pattern takes ${length} characters, and EventBridge ${MAX_PATTERN_LENGTH}: ${remedy}`,
    );
  }
  return new Rule(scope, 'ECRImageActionEventBridgeRule', {
    description: 'Starts the SOCI index builder for images that are pushed to Amazon ECR.',
    eventPattern,
  });
}
