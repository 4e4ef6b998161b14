import type { EcrEventKind } from '@soci/filter' with { 'resolution-mode': 'import' };
import { Annotations, Aws, Duration, Token } from 'aws-cdk-lib';
import { Rule } from 'aws-cdk-lib/aws-events';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { type IQueue, Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { GENERATED_NAME_LENGTH } from './indexed-repositories';
import { fail } from './property-types';
import { rules } from './shipped-assets';
import type { SociIndexBuilderProps } from './soci-index-builder-props';
import { SEND_KEY_ACTIONS } from './workflow-function';

/** Maximum length of a rule's pattern, in characters. @see Amazon EventBridge User Guide, "Quotas" */
const MAX_PATTERN_LENGTH = 2048;

/** Creates the rule that matches pushes of images, limited to `repositories` if set. */
export function createPushRule(
  scope: Construct,
  { repositories, untaggedImages, pushEventBus }: SociIndexBuilderProps,
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
    const problem = `the event pattern has ${length} characters: the maximum is ${MAX_PATTERN_LENGTH}. Use filters with wildcards, or several builders`;
    fail(scope, 'repositories', problem);
  }
  return new Rule(scope, 'ECRImageActionEventBridgeRule', {
    description: 'Starts the SOCI index builder for images that are pushed to Amazon ECR.',
    eventPattern,
    ...(pushEventBus && { eventBus: pushEventBus }),
  });
}

/** Maximum retention period of Amazon SQS. */
const RETENTION = Duration.days(14);

/** Returns the given dead-letter queue or creates one. Returns undefined if dead-letter queues are disabled. */
export function resolveDeadLetterQueue(scope: Construct, props: SociIndexBuilderProps): IQueue | undefined {
  const { deadLetterQueue, deadLetterQueueEnabled, encryptionKey } = props;
  const queue = deadLetterQueue ?? (deadLetterQueueEnabled ? createQueue(scope, encryptionKey) : undefined);
  if (queue?.encryptionMasterKey) allowEventBridge(scope, queue.encryptionMasterKey);
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

/** Lets EventBridge use the key. The rule also writes to the queue, but has no role. */
function allowEventBridge(scope: Construct, key: IKey): void {
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
    `the key ${key.keyArn} of the dead-letter queue is imported: its policy must allow events.amazonaws.com ${SEND_KEY_ACTIONS.join(' and ')}. Otherwise, events that EventBridge cannot deliver are lost`,
  );
}
