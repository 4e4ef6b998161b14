import { createHash, randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { TestAwsError } from '../errors.ts';
import { isRecord, openLoopbackServer, parseJson, readBody, sendJson } from '../http.ts';
import { MessageQueue, type QueuedMessage, type ReceivedMessage } from './message-queue.ts';

/** Options of {@link startTestSqs}. */
export interface TestSqsOptions {
  /** Account id of the queues. @default '123456789012' */
  readonly account?: string;
  /** Region of the queues. @default 'us-east-1' */
  readonly region?: string;
  /** Length of a second of visibility timeouts, in milliseconds. @default 1000 */
  readonly second?: number;
}

/** Options of a queue. */
export interface TestQueueOptions {
  /** Name: letters, digits, `-` and `_`, at most 80. */
  readonly name: string;
  /** Seconds during which others do not get a received message, 0 to 43,200. @default 30 */
  readonly visibilityTimeout?: number;
  /** Queue that gets messages that were received `maxReceiveCount` times. @default - messages stay in the queue */
  readonly deadLetterQueue?: { readonly name: string; readonly maxReceiveCount: number };
}

/** A queue. */
export interface TestQueue {
  readonly url: string;
  readonly arn: string;
  /** Present messages in the order of their arrival. */
  readonly messages: readonly QueuedMessage[];
}

/** A running test SQS. */
export interface TestSqs {
  /** URL of the API, for `endpoint` of an `SQSClient` or for `AWS_ENDPOINT_URL_SQS`. Plain HTTP. */
  readonly endpoint: string;
  /** Calls of the API that succeeded, in order. */
  readonly calls: readonly { readonly operation: string; readonly input: Readonly<Record<string, unknown>> }[];
  /** Creates a standard queue. @throws TestAwsError `OPTION_INVALID` */
  createQueue(options: TestQueueOptions): TestQueue;
  /** Rejects the next `times` calls with 503 `ServiceUnavailable`. */
  fail(times: number): void;
  /** Stops the server. */
  stop(): Promise<void>;
}

/** Maximum size of a message, in bytes. @see Amazon SQS Developer Guide, "Amazon SQS message quotas" */
const MAX_MESSAGE_SIZE = 1024 * 1024;
/** Maximum size of a request, in bytes: a message with all characters escaped. */
const MAX_REQUEST_SIZE = 8 * 1024 * 1024;
/** Maximum visibility timeout, in seconds. */
const MAX_VISIBILITY = 43_200;

type Input = Readonly<Record<string, unknown>>;

/** Starts an SQS on loopback. Call `stop` at the end. */
export async function startTestSqs(options: TestSqsOptions = {}): Promise<TestSqs> {
  const { account = '123456789012', region = 'us-east-1', second = 1000 } = options;
  const queues = new Map<string, MessageQueue>();
  const calls: { operation: string; input: Input }[] = [];
  let failures = 0;
  const server = await openLoopbackServer(async (message, response) => {
    try {
      if (failures > 0) {
        failures -= 1;
        throw new SqsError('ServiceUnavailable', 'the service is unavailable', 503);
      }
      const { operation, input } = await readCall(message);
      const output = respond(operation, input, queueOf(queues, account, input));
      calls.push({ operation, input });
      sendJson(response, 200, output, headersOf());
    } catch (error) {
      message.resume();
      sendError(response, error);
    }
  });
  return {
    endpoint: `http://${server.host}`,
    calls,
    createQueue: ({ name, visibilityTimeout = 30, deadLetterQueue }) => {
      if (!/^[\w-]{1,80}$/.test(name) || queues.has(name)) {
        throw new TestAwsError('OPTION_INVALID', `name is ${name}: expected a new name of letters, digits, - and _`);
      }
      if (!isVisibility(visibilityTimeout)) {
        const problem = `visibilityTimeout is ${visibilityTimeout}: expected 0 to ${MAX_VISIBILITY} seconds`;
        throw new TestAwsError('OPTION_INVALID', problem);
      }
      const target = deadLetterQueue && queues.get(deadLetterQueue.name);
      if (deadLetterQueue !== undefined && target === undefined) {
        throw new TestAwsError('OPTION_INVALID', `deadLetterQueue ${deadLetterQueue.name} does not exist`);
      }
      const redrive = target && { target, maxReceiveCount: deadLetterQueue?.maxReceiveCount ?? 1 };
      const queue = new MessageQueue({ visibilityTimeout, redrive, second });
      queues.set(name, queue);
      return {
        url: `http://${server.host}/${account}/${name}`,
        arn: `arn:aws:sqs:${region}:${account}:${name}`,
        get messages() {
          return queue.messages;
        },
      };
    },
    fail: (times) => {
      failures += times;
    },
    stop: () => server.close(),
  };
}

/** Reads a call. @see Smithy, "AWS JSON 1.0 protocol" */
async function readCall(message: IncomingMessage): Promise<{ operation: string; input: Input }> {
  const { authorization, 'x-amz-target': target = '', 'content-type': type } = message.headers;
  if (!/^AWS4-HMAC-SHA256 Credential=[^/]+\/\d{8}\/[\w-]+\/sqs\/aws4_request,/.test(authorization ?? '')) {
    throw new SqsError('MissingAuthenticationToken', 'the request has no signature for sqs', 403);
  }
  if (message.method !== 'POST' || type !== 'application/x-amz-json-1.0') {
    throw new SqsError('InvalidAction', `unsupported request: ${message.method} with ${type}`);
  }
  const body = await readBody(message, MAX_REQUEST_SIZE);
  const input = 'bytes' in body ? parseJson(body.bytes.toString()) : undefined;
  if (!isRecord(input))
    throw new SqsError('SerializationException', 'the request is not a JSON object or is too large');
  return { operation: String(target).replace(/^AmazonSQS\./, ''), input };
}

function queueOf(queues: ReadonlyMap<string, MessageQueue>, account: string, { QueueUrl }: Input): MessageQueue {
  const [, owner, name = ''] = /\/(\d{12})\/([\w-]+)$/.exec(String(QueueUrl)) ?? [];
  const queue = owner === account ? queues.get(name) : undefined;
  if (queue === undefined) throw new SqsError('QueueDoesNotExist', 'The specified queue does not exist.');
  return queue;
}

function respond(operation: string, input: Input, queue: MessageQueue): object {
  switch (operation) {
    case 'SendMessage': {
      const { MessageBody } = input;
      if (typeof MessageBody !== 'string' || MessageBody === '') {
        throw new SqsError('MissingParameter', 'The request must contain the parameter MessageBody.');
      }
      const size = Buffer.byteLength(MessageBody);
      if (size > MAX_MESSAGE_SIZE) {
        throw new SqsError('InvalidParameterValue', `One or more parameters are invalid: ${size} bytes are too many.`);
      }
      return { MessageId: queue.send(MessageBody), MD5OfMessageBody: md5(MessageBody) };
    }
    case 'ReceiveMessage': {
      const { MaxNumberOfMessages: max = 1 } = input;
      if (typeof max !== 'number' || !Number.isInteger(max) || max < 1 || max > 10) {
        throw new SqsError('InvalidParameterValue', `MaxNumberOfMessages is ${max}: expected 1 to 10.`);
      }
      const Messages = queue.receive(max).map(messageOf);
      return Messages.length === 0 ? {} : { Messages };
    }
    case 'DeleteMessage':
      // "If you don't provide the most recent receipt handle, the request succeeds, but the message will not be deleted."
      if (!/^[\da-f-]{36}$/.test(String(input.ReceiptHandle))) throw invalidHandle();
      queue.delete(String(input.ReceiptHandle));
      return {};
    case 'ChangeMessageVisibility': {
      const { VisibilityTimeout: seconds } = input;
      if (!isVisibility(seconds)) {
        throw new SqsError(
          'InvalidParameterValue',
          `VisibilityTimeout is ${seconds}: expected 0 to ${MAX_VISIBILITY}.`,
        );
      }
      if (!queue.changeVisibility(String(input.ReceiptHandle), seconds)) throw invalidHandle();
      return {};
    }
    default:
      throw new SqsError('InvalidAction', `unsupported operation: ${operation}`);
  }
}

function messageOf({ messageId, body, receiptHandle, receiveCount, sentAt }: ReceivedMessage): object {
  return {
    MessageId: messageId,
    ReceiptHandle: receiptHandle,
    Body: body,
    MD5OfBody: md5(body),
    Attributes: { ApproximateReceiveCount: String(receiveCount), SentTimestamp: String(sentAt) },
  };
}

function isVisibility(seconds: unknown): seconds is number {
  return typeof seconds === 'number' && seconds >= 0 && seconds <= MAX_VISIBILITY;
}

function invalidHandle(): SqsError {
  return new SqsError('ReceiptHandleIsInvalid', 'The input receipt handle is invalid.');
}

function md5(text: string): string {
  return createHash('md5').update(text).digest('hex');
}

function headersOf(): Record<string, string> {
  return { 'content-type': 'application/x-amz-json-1.0', 'x-amzn-requestid': randomUUID() };
}

/** Error of the API. */
class SqsError extends Error {
  override readonly name = 'SqsError';
  readonly type: string;
  readonly status: number;

  constructor(type: string, message: string, status = 400) {
    super(message);
    this.type = type;
    this.status = status;
  }
}

function sendError(response: ServerResponse, error: unknown): void {
  if (!(error instanceof SqsError)) throw error;
  sendJson(response, error.status, { __type: `com.amazonaws.sqs#${error.type}`, message: error.message }, headersOf());
}
