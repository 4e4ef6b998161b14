import type { EcrEventKind } from '@soci/filter' with { 'resolution-mode': 'import' };
import { Annotations, Aws, Duration, Token } from 'aws-cdk-lib';
import { Rule } from 'aws-cdk-lib/aws-events';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { type IQueue, Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { fail } from './check-props';
import { GENERATED_NAME_LENGTH } from './indexed-repositories';
import { rules } from './shipped-assets';
import type { SociIndexBuilderProps } from './soci-index-builder-props';
import { SEND_KEY_ACTIONS } from './workflow-function';

/** Longest pattern of a rule, in characters. @see Amazon EventBridge User Guide, "Quotas" */
const MAX_PATTERN_LENGTH = 2048;

/** Makes the rule that lets in pushes of images: of the repositories that were given, where there are any. */
export function createPushRule(
  scope: Construct,
  { repositories, untaggedImages }: SociIndexBuilderProps,
  kinds: readonly EcrEventKind[],
): Rule {
  const { source, detail, ...rest } = rules.eventPattern({ kinds, untagged: untaggedImages ?? false });
  const names = repositories?.map(({ repositoryName }) => repositoryName);
  const eventPattern = {
    source: [...source],
    detailType: [...rest['detail-type']],
    detail: { ...detail, ...(names && { 'repository-name': names }) },
  };
  const known = names?.map((name) => (Token.isUnresolved(name) ? '-'.repeat(GENERATED_NAME_LENGTH) : name));
  const { length } = JSON.stringify({ source, ...rest, detail: { ...detail, 'repository-name': known } });
  if (length > MAX_PATTERN_LENGTH) {
    const problem = `the rule's pattern takes ${length} characters, and EventBridge ${MAX_PATTERN_LENGTH}: use filters with wildcards, or several builders`;
    fail(scope, 'repositories', problem);
  }
  return new Rule(scope, 'ECRImageActionEventBridgeRule', {
    description: 'Starts the SOCI index builder for images that are pushed to Amazon ECR.',
    eventPattern,
  });
}

/** Longest that a message can lie in a queue of SQS. */
const RETENTION = Duration.days(14);

/** The queue for events that failed on each try: the one that was given, or one that is made; undefined where there is none. */
export function provideDeadLetterQueue(scope: Construct, props: SociIndexBuilderProps): IQueue | undefined {
  const { deadLetterQueue, deadLetterQueueEnabled, encryptionKey } = props;
  const queue = deadLetterQueue ?? (deadLetterQueueEnabled ? createQueue(scope, encryptionKey) : undefined);
  if (queue?.encryptionMasterKey) allowEvents(scope, queue.encryptionMasterKey);
  return queue;
}

function createQueue(scope: Construct, key: IKey | undefined): Queue {
  return new Queue(scope, 'DeadLetterQueue', {
    retentionPeriod: RETENTION,
    enforceSSL: true,
    encryption: key ? QueueEncryption.KMS : QueueEncryption.SQS_MANAGED,
    encryptionMasterKey: key,
  });
}

/** The rule writes to the queue, too, and has no role. */
function allowEvents(scope: Construct, key: IKey): void {
  const { statementAdded } = key.addToResourcePolicy(
    new PolicyStatement({
      principals: [new ServicePrincipal('events.amazonaws.com')],
      actions: SEND_KEY_ACTIONS,
      resources: ['*'],
      conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
    }),
  );
  if (statementAdded) return;
  Annotations.of(scope).addWarningV2(
    '@soci/construct:imported-key',
    `the key of the dead-letter queue is imported, ${key.keyArn}: its policy must allow events.amazonaws.com ${SEND_KEY_ACTIONS.join(' and ')}, or events that EventBridge could not deliver are lost`,
  );
}
