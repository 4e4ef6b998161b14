import { setTimeout as sleep } from 'node:timers/promises';
import { TestAwsError } from '../errors.ts';
import type { TestLambda } from '../lambda/start-test-lambda.ts';

/** Options of {@link startEventSourceMapping}. */
export interface EventSourceMappingOptions {
  readonly lambda: TestLambda;
  readonly functionName: string;
  /** Endpoint of Amazon SQS: that of `startTestSqs`, or of an emulator. */
  readonly endpoint: string;
  readonly queueUrl: string;
  readonly queueArn: string;
  /** Maximum number of concurrent invocations, 2 to 1,000. */
  readonly maximumConcurrency: number;
}

/** A running event source mapping. */
export interface EventSourceMapping {
  /** Largest number of concurrent invocations so far. */
  readonly mostConcurrent: number;
  /** Resolves when no invocation runs and the queue has no visible message. Hidden messages are not waited for. */
  idle(): Promise<void>;
  /** Receives no more messages, and resolves when the running invocations are finished. */
  stop(): Promise<void>;
}

/** A message in a response of ReceiveMessage. */
interface Message {
  readonly MessageId: string;
  readonly ReceiptHandle: string;
  readonly Body: string;
  readonly MD5OfBody: string;
  readonly Attributes?: Readonly<Record<string, string>>;
}

/** Delay after a response without messages, in milliseconds. Amazon SQS delays the response instead. */
const PAUSE = 20;

/**
 * Starts an event source mapping of a queue with batches of one message: receives a message, invokes the function, and deletes the
 * message if the function returned. Otherwise, the message stays in the queue until it is visible again.
 *
 * @see AWS Lambda Developer Guide, "Using Lambda with Amazon SQS"
 * @throws TestAwsError `OPTION_INVALID`
 */
export function startEventSourceMapping(options: EventSourceMappingOptions): EventSourceMapping {
  const { maximumConcurrency: maximum } = options;
  if (!Number.isInteger(maximum) || maximum < 2 || maximum > 1000) {
    throw new TestAwsError('OPTION_INVALID', `maximumConcurrency is ${maximum}: expected 2 to 1000`);
  }
  const mapping = new Mapping(options);
  return {
    get mostConcurrent() {
      return mapping.mostConcurrent;
    },
    idle: () => mapping.idle(),
    stop: () => mapping.stop(),
  };
}

class Mapping {
  mostConcurrent = 0;
  readonly #options: EventSourceMappingOptions;
  readonly #running = new Set<Promise<void>>();
  readonly #polling: Promise<void>;
  #isStopped = false;
  #onEmpty: (() => void)[] = [];
  #failure: unknown;

  constructor(options: EventSourceMappingOptions) {
    this.#options = options;
    this.#polling = this.#poll().catch((error: unknown) => {
      this.#failure = error;
      this.#notifyEmpty();
    });
  }

  async idle(): Promise<void> {
    if (this.#failure === undefined) await new Promise<void>((resolve) => this.#onEmpty.push(resolve));
    if (this.#failure !== undefined) throw this.#failure;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#polling;
    await Promise.all(this.#running);
    this.#notifyEmpty();
  }

  async #poll(): Promise<void> {
    while (!this.#isStopped) {
      if (this.#running.size >= this.#options.maximumConcurrency) {
        await Promise.race(this.#running);
        continue;
      }
      const waiting = this.#onEmpty;
      const { Messages: [message] = [] } = await this.#call<{ Messages?: Message[] }>('ReceiveMessage', {
        MaxNumberOfMessages: 1,
        AttributeNames: ['All'],
      });
      if (message === undefined) {
        if (this.#running.size === 0 && waiting.length > 0) this.#notifyEmpty();
        await sleep(PAUSE);
        continue;
      }
      const run = this.#handle(message)
        .catch((error: unknown) => {
          // After stop of the Lambda, the message stays in the queue.
          if (!(error instanceof TestAwsError && error.code === 'STOPPED')) this.#failure = error;
        })
        .finally(() => this.#running.delete(run));
      this.#running.add(run);
      this.mostConcurrent = Math.max(this.mostConcurrent, this.#running.size);
    }
  }

  async #handle({ MessageId, ReceiptHandle, Body, MD5OfBody, Attributes = {} }: Message): Promise<void> {
    const { lambda, functionName, queueArn } = this.#options;
    const record = {
      messageId: MessageId,
      receiptHandle: ReceiptHandle,
      body: Body,
      attributes: Attributes,
      messageAttributes: {},
      md5OfBody: MD5OfBody,
      eventSource: 'aws:sqs',
      eventSourceARN: queueArn,
      awsRegion: queueArn.split(':')[3],
    };
    const { outcome } = await lambda.invoke(functionName, { Records: [record] });
    if (outcome.status === 'success') await this.#call('DeleteMessage', { ReceiptHandle });
  }

  async #call<Output>(operation: string, input: object): Promise<Output> {
    const { endpoint, queueUrl: QueueUrl, queueArn } = this.#options;
    const scope = `AKIDEXAMPLE/20260101/${queueArn.split(':')[3]}/sqs/aws4_request`;
    const response = await fetch(endpoint, {
      method: 'POST',
      headers: {
        authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=none`,
        'content-type': 'application/x-amz-json-1.0',
        'x-amz-target': `AmazonSQS.${operation}`,
      },
      body: JSON.stringify({ QueueUrl, ...input }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${operation} of ${QueueUrl}: ${response.status} ${text}`);
    return JSON.parse(text || '{}') as Output;
  }

  #notifyEmpty(): void {
    for (const resolve of this.#onEmpty.splice(0)) resolve();
  }
}
