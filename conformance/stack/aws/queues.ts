import type { AwsCalls } from './aws-calls.ts';

/** A queue in Amazon SQS. */
export interface DeployedQueue {
  readonly url: string;
  readonly arn: string;
  /** Number of visible messages, and of those that a receiver has. */
  readonly messages: { readonly visible: number; readonly inFlight: number };
  readonly visibilityTimeout: number;
  readonly redrive?: { readonly deadLetterTargetArn: string; readonly maxReceiveCount: number };
}

/** An event source mapping in Lambda. */
export interface DeployedMapping {
  readonly UUID: string;
  readonly EventSourceArn: string;
  readonly FunctionArn: string;
  readonly BatchSize: number;
  readonly State: string;
  readonly ScalingConfig?: { readonly MaximumConcurrency: number };
}

/** Calls Amazon SQS. */
export function callSqs<Result>(aws: AwsCalls, operation: string, input: object): Promise<Result> {
  return aws.json<Result>('sqs', `AmazonSQS.${operation}`, input);
}

/** Lists all queues. */
export async function listQueues(aws: AwsCalls): Promise<DeployedQueue[]> {
  const { QueueUrls = [] } = await callSqs<{ QueueUrls?: string[] }>(aws, 'ListQueues', {});
  return Promise.all(QueueUrls.map((url) => readQueue(aws, url)));
}

async function readQueue(aws: AwsCalls, url: string): Promise<DeployedQueue> {
  const input = { QueueUrl: url, AttributeNames: ['All'] };
  const { Attributes } = await callSqs<{ Attributes: Record<string, string> }>(aws, 'GetQueueAttributes', input);
  const { RedrivePolicy, QueueArn = '' } = Attributes;
  return {
    url,
    arn: QueueArn,
    messages: {
      visible: Number(Attributes.ApproximateNumberOfMessages),
      inFlight: Number(Attributes.ApproximateNumberOfMessagesNotVisible),
    },
    visibilityTimeout: Number(Attributes.VisibilityTimeout),
    ...(RedrivePolicy !== undefined && { redrive: JSON.parse(RedrivePolicy) }),
  };
}

/** Lists all event source mappings. */
export async function listMappings(aws: AwsCalls): Promise<DeployedMapping[]> {
  const answer = JSON.parse((await aws.get('lambda', '/2015-03-31/event-source-mappings/')).toString());
  return (answer as { EventSourceMappings: DeployedMapping[] }).EventSourceMappings;
}
