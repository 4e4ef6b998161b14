import { Annotations, Aws, Duration } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { type IQueue, Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import type { SociIndexBuilderProps } from './soci-index-builder-props';

/** Longest that a message can lie in a queue of SQS. */
const RETENTION = Duration.days(14);

/** What Amazon SQS does with a key, in the name of whoever sends a message. @see Amazon SQS Developer Guide, "Key management" */
export const SEND_KEY_ACTIONS = ['kms:Decrypt', 'kms:GenerateDataKey'];

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
    ...(key
      ? { encryption: QueueEncryption.KMS, encryptionMasterKey: key }
      : { encryption: QueueEncryption.SQS_MANAGED }),
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
