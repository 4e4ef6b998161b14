import type { IncomingMessage, ServerResponse } from 'node:http';
import { isRecord, type LoopbackServer, openLoopbackServer, parseJson, readBody, sendJson } from '../http.ts';
import { type RuntimeAnswer, RuntimeRefusal, type RuntimeState } from './runtime-state.ts';

/** Most bytes that a function may return: 6 MB, and what Lambda allows for its own wrapping. */
const MAX_RESPONSE_SIZE = 6 * 1024 * 1024 + 100;

/** Most bytes of the description of an error. */
const MAX_ERROR_SIZE = 256 * 1024;

const PREFIX = '/2018-06-01/runtime/';
const ANSWER_PATH = /^invocation\/([^/]+)\/(response|error)$/;

/** Serves the Runtime API to one process. @see AWS Lambda Developer Guide, "Using the Lambda runtime API" */
export function openRuntimeApi(state: RuntimeState): Promise<LoopbackServer> {
  return openLoopbackServer(async (message, response) => {
    try {
      await route(state, message, response);
    } catch (error) {
      if (!(error instanceof RuntimeRefusal)) throw error;
      message.resume();
      sendJson(response, error.status, { errorType: error.errorType, errorMessage: error.message });
    }
  });
}

async function route(state: RuntimeState, message: IncomingMessage, response: ServerResponse): Promise<void> {
  const { url = '', method = '' } = message;
  const path = url.startsWith(PREFIX) ? url.slice(PREFIX.length) : '';
  const [, requestId, kind] = ANSWER_PATH.exec(path) ?? [];
  if (path === 'invocation/next') {
    expectMethod(method, 'GET');
    state.next(response);
  } else if (path === 'init/error') {
    expectMethod(method, 'POST');
    state.expectFailure();
    const failure = await readError(message);
    state.expectFailure();
    accept(response);
    state.fail(failure);
  } else if (requestId !== undefined) {
    expectMethod(method, 'POST');
    state.expectAnswer(requestId);
    const answer = kind === 'response' ? await readResponse(message) : await readError(message);
    state.expectAnswer(requestId);
    if (isTooLarge(answer)) {
      sendJson(response, 413, { errorType: 'RequestEntityTooLarge', errorMessage: answer.errorMessage });
    } else accept(response);
    state.answer(answer);
  } else throw new RuntimeRefusal(404, 'NotFound', `no such path: ${url}`);
}

function accept(response: ServerResponse): void {
  sendJson(response, 202, { status: 'OK' });
}

function expectMethod(method: string, expected: string): void {
  if (method !== expected) throw new RuntimeRefusal(405, 'MethodNotAllowed', `${method} is not ${expected}`);
}

/** What a function returned. Too much of it is an error of the function's, which its caller sees. */
async function readResponse(message: IncomingMessage): Promise<RuntimeAnswer> {
  const body = await readBody(message, MAX_RESPONSE_SIZE);
  if ('bytes' in body) return { kind: 'response', bytes: body.bytes };
  const errorMessage = `Response payload size exceeded maximum allowed payload size (${MAX_RESPONSE_SIZE} bytes).`;
  const error = { errorType: 'Function.ResponseSizeTooLarge', errorMessage };
  return { kind: 'error', ...error, bytes: Buffer.from(JSON.stringify(error)) };
}

function isTooLarge(answer: RuntimeAnswer): answer is RuntimeAnswer & { kind: 'error' } {
  return answer.kind === 'error' && answer.errorType === 'Function.ResponseSizeTooLarge';
}

/** @throws RuntimeRefusal where it is no error as Lambda wants it. */
async function readError(message: IncomingMessage): Promise<RuntimeAnswer> {
  const body = await readBody(message, MAX_ERROR_SIZE);
  if (!('bytes' in body)) throw new RuntimeRefusal(413, 'RequestEntityTooLarge', `an error of ${body.size} bytes`);
  const value = parseJson(body.bytes.toString());
  if (!isRecord(value)) throw new RuntimeRefusal(400, 'InvalidErrorShape', 'an error must be a JSON object');
  const { errorType = message.headers['lambda-runtime-function-error-type'] ?? 'Runtime.Unknown' } = value;
  const { errorMessage = '' } = value;
  if (typeof errorType !== 'string' || typeof errorMessage !== 'string') {
    throw new RuntimeRefusal(400, 'InvalidErrorShape', 'errorType and errorMessage must be strings');
  }
  return { kind: 'error', errorType, errorMessage, bytes: body.bytes };
}
