import { FunctionError } from '../errors.ts';

/** Message of an Amazon SQS queue that Lambda passes to the generator. */
export interface QueueMessage {
  /** Event of Amazon ECR. If the body is not JSON, its text. */
  readonly event: unknown;
  readonly messageId: string;
  readonly receiptHandle: string;
  /** ARN of the queue. */
  readonly queueArn: string;
  /** How often the message was received, this time included. */
  readonly receiveCount: number;
}

/**
 * Returns the message of an invocation by the event source mapping of a queue. Returns undefined for any other input, such as an
 * event of Amazon ECR.
 *
 * @see AWS Lambda Developer Guide, "Using Lambda with Amazon SQS"
 * @throws FunctionError `BATCH_SIZE_INVALID` if the batch has several messages. They share the time of the invocation, so an image
 *   that uses all of it would end the others permanently. Because the function fails, all messages remain in the queue.
 */
export function readQueueMessage(input: unknown): QueueMessage | undefined {
  const { Records: records } = recordOf(input);
  if (!Array.isArray(records) || recordOf(records[0]).eventSource !== 'aws:sqs') return undefined;
  if (records.length !== 1) {
    const problem = `the batch has ${records.length} messages: set BatchSize of the event source mapping to 1`;
    throw new FunctionError('BATCH_SIZE_INVALID', problem);
  }
  const { body, messageId, receiptHandle, eventSourceARN, attributes } = recordOf(records[0]);
  return {
    event: parseBody(String(body)),
    messageId: String(messageId),
    receiptHandle: String(receiptHandle),
    queueArn: String(eventSourceARN),
    receiveCount: Number(recordOf(attributes).ApproximateReceiveCount) || 1,
  };
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function parseBody(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
}
