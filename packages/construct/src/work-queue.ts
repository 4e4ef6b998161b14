import { type CfnResource, Duration, RemovalPolicy } from 'aws-cdk-lib';
import { Effect, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { EventSourceMapping, type Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import type { SociIndexBuilderProps } from './soci-index-builder-props';
import { addPolicy, SEND_KEY_ACTIONS } from './workflow-function';

/** Default of `maxConcurrency`. 10 images that are indexed in about 10 seconds need a third of the PutImage quota of a Region. */
export const DEFAULT_MAX_CONCURRENCY = 10;

/** Ratio of the visibility timeout to the timeout of the function. @see AWS Lambda Developer Guide, "Using Lambda with Amazon SQS" */
const VISIBILITY_RATIO = 6;

/** Assumed timeout if it is a token: the maximum of Lambda. CloudFormation cannot multiply. */
const MAX_TIMEOUT = Duration.minutes(30);

/** Maximum retention period of Amazon SQS. */
const RETENTION = Duration.days(14);

/** Number of attempts for a message. */
const MAX_RECEIVE_COUNT = 5;

/** Actions of the generator on the queue: those of the event source mapping, and the one that retries a message sooner. */
const RECEIVE_ACTIONS = [
  'sqs:ChangeMessageVisibility',
  'sqs:DeleteMessage',
  'sqs:GetQueueAttributes',
  'sqs:ReceiveMessage',
];

/** Creates the queue between the filter function and the generator, with its dead-letter queue. */
export function createWorkQueue(scope: Construct, props: SociIndexBuilderProps): Queue {
  const { encryptionKey: encryptionMasterKey, timeout = Duration.minutes(15) } = props;
  const seconds = (timeout.isUnresolved() ? MAX_TIMEOUT : timeout).toSeconds() * VISIBILITY_RATIO;
  const common = {
    retentionPeriod: RETENTION,
    enforceSSL: true,
    encryption: encryptionMasterKey ? QueueEncryption.KMS : QueueEncryption.SQS_MANAGED,
    encryptionMasterKey,
  };
  return new Queue(scope, 'WorkQueue', {
    ...common,
    visibilityTimeout: Duration.seconds(seconds),
    deadLetterQueue: {
      queue: new Queue(scope, 'WorkDeadLetterQueue', common),
      maxReceiveCount: MAX_RECEIVE_COUNT,
    },
  });
}

/** Lets the filter function send events to the queue. Before the function uses the queue, it gets the permission. */
export function connectFilter(scope: Construct, queue: Queue, filter: LambdaFunction): void {
  const key = queue.encryptionMasterKey;
  const maySend = addPolicy(scope, 'ECRImageActionEventFilteringLambdaSendMessagePolicy', filter, [
    new PolicyStatement({ actions: ['sqs:SendMessage'], resources: [queue.queueArn] }),
    ...(key === undefined ? [] : [new PolicyStatement({ actions: SEND_KEY_ACTIONS, resources: [key.keyArn] })]),
  ]);
  filter.node.addDependency(maySend);
}

/**
 * Lets Lambda invoke the generator with each message of the queue.
 *
 * The queues and the mapping remain when `queue` is removed or the stack is deleted, because events in the queue would be lost. Until
 * the stack is deleted, the mapping then still empties the queue. Its permission is therefore also in the policy of the queue, which
 * remains too. The policy of the role is removed, but Lambda needs it to create the mapping.
 */
export function connectGenerator(
  scope: Construct,
  queue: Queue,
  generator: LambdaFunction,
  maxConcurrency: number = DEFAULT_MAX_CONCURRENCY,
): void {
  const mayReceive = addPolicy(scope, 'SociIndexGeneratorLambdaReceiveMessagePolicy', generator, [
    new PolicyStatement({ actions: RECEIVE_ACTIONS, resources: [queue.queueArn] }),
  ]);
  queue.addToResourcePolicy(
    new PolicyStatement({
      effect: Effect.ALLOW,
      principals: [generator.grantPrincipal],
      actions: RECEIVE_ACTIONS,
      resources: [queue.queueArn],
    }),
  );
  const mapping = new EventSourceMapping(scope, 'WorkQueueMapping', {
    target: generator,
    eventSourceArn: queue.queueArn,
    // Images share no time with others.
    batchSize: 1,
    maxConcurrency,
  });
  mapping.node.addDependency(mayReceive);
  const kept = [queue, queue.deadLetterQueue?.queue, mapping].flatMap((construct) => construct?.node.findAll() ?? []);
  for (const { node } of kept) {
    (node.defaultChild as CfnResource | undefined)?.applyRemovalPolicy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE);
  }
}
