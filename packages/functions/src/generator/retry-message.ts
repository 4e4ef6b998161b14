// Imported dynamically, because only a message that failed needs it. A client of the AWS SDK would add 25 KB for one call.
import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import { defaultProvider } from '../environment/credentials.ts';
import type { QueueMessage } from './queue-message.ts';

/** Delay before the second attempt, in seconds. It doubles with each further attempt. */
const FIRST_DELAY = 60;
/** Longest delay, in seconds. */
const MAX_DELAY = 900;

/** Time limit of the call, in milliseconds. */
const TIMEOUT = 5000;

/** Returns the delay before a message is received again, in seconds: 60, 120, 240 and so on, up to 900. */
function retryDelay({ receiveCount }: Pick<QueueMessage, 'receiveCount'>): number {
  return Math.min(MAX_DELAY, FIRST_DELAY * 2 ** (receiveCount - 1));
}

/**
 * Makes a message visible after a delay that doubles with each attempt. Without this call, Amazon SQS waits for the rest of the
 * visibility timeout, which can be more than an hour.
 *
 * @param queueUrl - URL of a queue of the same Region and account, for the endpoint.
 * @throws Error if Amazon SQS rejects the call or does not respond within five seconds. The message then becomes visible after the
 *   visibility timeout.
 * @see Amazon SQS API Reference, "ChangeMessageVisibility"; Smithy, "AWS JSON 1.0 protocol"
 */
export async function retryMessage(queueUrl: string, message: QueueMessage): Promise<void> {
  const [, , , region = '', account = '', name = ''] = message.queueArn.split(':');
  const { origin, protocol, host } = new URL(queueUrl);
  const body = JSON.stringify({
    QueueUrl: `${origin}/${account}/${name}`,
    ReceiptHandle: message.receiptHandle,
    VisibilityTimeout: retryDelay(message),
  });
  const signer = new SignatureV4({ service: 'sqs', region, credentials: defaultProvider(), sha256: Sha256 });
  const { headers } = await signer.sign({
    method: 'POST',
    protocol,
    hostname: host,
    path: '/',
    query: {},
    headers: {
      host,
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': 'AmazonSQS.ChangeMessageVisibility',
    },
    body,
  });
  const response = await fetch(origin, { method: 'POST', headers, body, signal: AbortSignal.timeout(TIMEOUT) });
  if (!response.ok) throw new Error(`${host} answered ${response.status}: ${(await response.text()).slice(0, 500)}`);
}

/** The hash that the signer needs. */
class Sha256 {
  readonly #hash: Hash | Hmac;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret as string);
  }

  update(data: string | Uint8Array): void {
    this.#hash.update(data);
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }

  reset(): void {}
}
