import { Duration } from 'aws-cdk-lib';
import { type IQueue, Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import type { SociIndexBuilderProps } from './soci-index-builder-props';

/** Longest that a message can lie in a queue of SQS. */
const RETENTION = Duration.days(14);

/** The queue for events that failed on each try: the one that was given, or one that is made; undefined where there is none. */
export function findDeadLetterQueue(
  scope: Construct,
  { deadLetterQueue, deadLetterQueueEnabled, encryptionKey }: SociIndexBuilderProps,
): IQueue | undefined {
  if (deadLetterQueue !== undefined || !deadLetterQueueEnabled) return deadLetterQueue;
  return new Queue(scope, 'DeadLetterQueue', {
    retentionPeriod: RETENTION,
    enforceSSL: true,
    ...(encryptionKey
      ? { encryption: QueueEncryption.KMS, encryptionMasterKey: encryptionKey }
      : { encryption: QueueEncryption.SQS_MANAGED }),
  });
}
