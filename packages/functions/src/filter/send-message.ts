import type { SQSClient } from '@aws-sdk/client-sqs';
import { FunctionError } from '../errors.ts';
import { SDK_TIMEOUTS } from '../sdk-timeouts.ts';

let client: SQSClient | undefined;

/**
 * Sends JSON to a standard queue. The AWS SDK makes up to three attempts.
 *
 * @returns The message id.
 * @throws FunctionError `SEND_FAILED`
 */
export async function sendMessage(queueUrl: string, body: string): Promise<string> {
  try {
    const { SendMessageCommand, SQSClient } = await import('./sqs-client.ts');
    // Otherwise, AWS_USE_FIPS_ENDPOINT and AWS_ENDPOINT_URL_SQS would have no effect.
    client ??= new SQSClient({ requestHandler: SDK_TIMEOUTS, useQueueUrlAsEndpoint: false });
    const { MessageId } = await client.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: body }));
    return MessageId ?? '';
  } catch (cause) {
    const reason = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
    throw new FunctionError('SEND_FAILED', `cannot send the event to ${queueUrl}: ${reason}`, { cause });
  }
}
