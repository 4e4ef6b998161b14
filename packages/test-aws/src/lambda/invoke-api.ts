import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { TestAwsError, type TestAwsErrorCode } from '../errors.ts';
import { readBody, sendJson } from '../http.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { FunctionSet } from './function-set.ts';
import { checkSize, type InvocationType, MAX_PAYLOAD_SIZE, readPayload } from './invocation.ts';

const PATH = /^\/2015-03-31\/functions\/([^/?]+)\/invocations(?:\?(.*))?$/;

/** Maximum size of the log tail in a response, in bytes. */
const LOG_TAIL_SIZE = 4096;

/** Serves the Invoke API. @see AWS Lambda API Reference, "Invoke" */
export class InvokeApi {
  readonly #functions: FunctionSet;
  readonly #dispatcher: Dispatcher;
  #throttled = 0;

  constructor(functions: FunctionSet, dispatcher: Dispatcher) {
    this.#functions = functions;
    this.#dispatcher = dispatcher;
  }

  /** Rejects the next calls. */
  throttle(times: number): void {
    this.#throttled += times;
  }

  async handle(message: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await this.#invoke(message, response);
    } catch (error) {
      message.resume();
      sendError(response, error);
    }
  }

  async #invoke(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method, url = '', headers } = message;
    const [, encodedName, query] = PATH.exec(url) ?? [];
    if (method !== 'POST' || encodedName === undefined) {
      throw new InvokeError('UnknownOperationException', `unsupported operation: ${method} ${url}`);
    }
    if (!headers.authorization?.startsWith('AWS4-HMAC-SHA256 ')) {
      throw new InvokeError('MissingAuthenticationTokenException', 'Missing Authentication Token');
    }
    if (this.#throttled > 0) {
      this.#throttled -= 1;
      throw new InvokeError('TooManyRequestsException', 'Rate Exceeded.');
    }
    const qualifier = new URLSearchParams(query).get('Qualifier') ?? '$LATEST';
    const pool = this.#functions.find(decode(encodedName) + (qualifier === '$LATEST' ? '' : `:${qualifier}`));
    const type = typeOf(headers['x-amz-invocation-type']);
    const body = await readBody(message, MAX_PAYLOAD_SIZE[type]);
    if (!('bytes' in body)) return checkSize(body.size, type);
    const payload = readPayload(body.bytes.toString(), type);

    if (type === 'Event') {
      const requestId = this.#dispatcher.enqueue(pool, payload);
      response.writeHead(202, { 'x-amzn-requestid': requestId, 'content-length': '0' }).end();
      return;
    }
    const { invocation, response: result } = await this.#dispatcher.invoke(pool, payload);
    response.writeHead(200, {
      'content-type': 'application/json',
      'content-length': String(result.payload.length),
      'x-amzn-requestid': invocation.requestId,
      'x-amz-executed-version': '$LATEST',
      ...(result.isError && { 'x-amz-function-error': 'Unhandled' }),
      ...(headers['x-amz-log-type'] === 'Tail' && { 'x-amz-log-result': tailOf(invocation.log) }),
    });
    response.end(result.payload);
  }
}

function decode(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    throw new InvokeError('InvalidParameterValueException', `invalid function name ${name}`);
  }
}

function typeOf(header: string | string[] | undefined): InvocationType {
  if (header === undefined || header === 'RequestResponse') return 'RequestResponse';
  if (header === 'Event') return 'Event';
  throw new InvokeError('InvalidParameterValueException', `unsupported invocation type ${header}`);
}

function tailOf(log: readonly string[]): string {
  return Buffer.from(log.map((line) => `${line}\n`).join(''))
    .subarray(-LOG_TAIL_SIZE)
    .toString('base64');
}

/** Status codes of the supported exceptions. */
const STATUSES = {
  InvalidParameterValueException: 400,
  InvalidRequestContentException: 400,
  MissingAuthenticationTokenException: 403,
  RequestTooLargeException: 413,
  ResourceNotFoundException: 404,
  ServiceException: 500,
  TooManyRequestsException: 429,
  UnknownOperationException: 404,
} as const;

/** Error of the Invoke API. */
class InvokeError extends Error {
  override readonly name = 'InvokeError';
  readonly type: keyof typeof STATUSES;

  constructor(type: keyof typeof STATUSES, message: string) {
    super(message);
    this.type = type;
  }
}

/** Exceptions for errors of this package. Others become a `ServiceException`. */
const TYPES: Partial<Record<TestAwsErrorCode, keyof typeof STATUSES>> = {
  FUNCTION_UNKNOWN: 'ResourceNotFoundException',
  PAYLOAD_INVALID: 'InvalidRequestContentException',
  PAYLOAD_TOO_LARGE: 'RequestTooLargeException',
};

/** Sends the response for an error. Rethrows unknown errors. */
function sendError(response: ServerResponse, error: unknown): void {
  const isTestAwsError = error instanceof TestAwsError;
  if (!isTestAwsError && !(error instanceof InvokeError)) throw error;
  const type = isTestAwsError ? (TYPES[error.code] ?? 'ServiceException') : error.type;
  const body = { Type: STATUSES[type] < 500 ? 'User' : 'Service', message: error.message };
  sendJson(response, STATUSES[type], body, { 'x-amzn-errortype': type, 'x-amzn-requestid': randomUUID() });
}
