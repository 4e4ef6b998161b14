import type { IncomingMessage, ServerResponse } from 'node:http';
import { isRecord, type LoopbackServer, openLoopbackServer, parseJson, readBody, sendJson } from '../http.ts';
import { RuntimeApiError, type RuntimeResult, type RuntimeState } from './runtime-state.ts';

/** Maximum size of a response, in bytes: 6 MB and the overhead that Lambda allows. */
const MAX_RESPONSE_SIZE = 6 * 1024 * 1024 + 100;

/** Maximum size of an error description, in bytes. */
const MAX_ERROR_SIZE = 256 * 1024;

const PREFIX = '/2018-06-01/runtime/';
const RESULT_PATH = /^invocation\/([^/]+)\/(response|error)$/;

/** Serves the Runtime API to one process. @see AWS Lambda Developer Guide, "Using the Lambda runtime API" */
export function openRuntimeApi(state: RuntimeState): Promise<LoopbackServer> {
  return openLoopbackServer(async (message, response) => {
    try {
      await route(state, message, response);
    } catch (error) {
      if (!(error instanceof RuntimeApiError)) throw error;
      message.resume();
      sendJson(response, error.status, { errorType: error.errorType, errorMessage: error.message });
    }
  });
}

async function route(state: RuntimeState, message: IncomingMessage, response: ServerResponse): Promise<void> {
  const { url = '', method = '' } = message;
  const path = url.startsWith(PREFIX) ? url.slice(PREFIX.length) : '';
  const [, requestId, kind] = RESULT_PATH.exec(path) ?? [];
  if (path === 'invocation/next') {
    expectMethod(method, 'GET');
    state.next(response);
  } else if (path === 'init/error') {
    expectMethod(method, 'POST');
    state.expectInitError();
    const error = await readError(message);
    state.expectInitError();
    accept(response);
    state.fail(error);
  } else if (requestId !== undefined) {
    expectMethod(method, 'POST');
    state.expectResult(requestId);
    const result = kind === 'response' ? await readResponse(message) : await readError(message);
    state.expectResult(requestId);
    if (isTooLarge(result)) {
      sendJson(response, 413, { errorType: 'RequestEntityTooLarge', errorMessage: result.errorMessage });
    } else accept(response);
    state.complete(result);
  } else throw new RuntimeApiError(404, 'NotFound', `unknown path: ${url}`);
}

function accept(response: ServerResponse): void {
  sendJson(response, 202, { status: 'OK' });
}

function expectMethod(method: string, expected: string): void {
  if (method !== expected) throw new RuntimeApiError(405, 'MethodNotAllowed', `expected ${expected}, got ${method}`);
}

/** Reads the response of a function. A response that is too large becomes a function error. */
async function readResponse(message: IncomingMessage): Promise<RuntimeResult> {
  const body = await readBody(message, MAX_RESPONSE_SIZE);
  if ('bytes' in body) return { kind: 'response', bytes: body.bytes };
  const errorMessage = `Response payload size exceeded maximum allowed payload size (${MAX_RESPONSE_SIZE} bytes).`;
  const error = { errorType: 'Function.ResponseSizeTooLarge', errorMessage };
  return { kind: 'error', ...error, bytes: Buffer.from(JSON.stringify(error)) };
}

function isTooLarge(result: RuntimeResult): result is RuntimeResult & { kind: 'error' } {
  return result.kind === 'error' && result.errorType === 'Function.ResponseSizeTooLarge';
}

/** Reads an error description. @throws RuntimeApiError if its format is invalid. */
async function readError(message: IncomingMessage): Promise<RuntimeResult> {
  const body = await readBody(message, MAX_ERROR_SIZE);
  if (!('bytes' in body)) throw new RuntimeApiError(413, 'RequestEntityTooLarge', `the error has ${body.size} bytes`);
  const value = parseJson(body.bytes.toString());
  if (!isRecord(value)) throw new RuntimeApiError(400, 'InvalidErrorShape', 'an error must be a JSON object');
  const { errorType = message.headers['lambda-runtime-function-error-type'] ?? 'Runtime.Unknown' } = value;
  const { errorMessage = '' } = value;
  if (typeof errorType !== 'string' || typeof errorMessage !== 'string') {
    throw new RuntimeApiError(400, 'InvalidErrorShape', 'errorType and errorMessage must be strings');
  }
  return { kind: 'error', errorType, errorMessage, bytes: body.bytes };
}
