import { TestAwsError } from '../errors.ts';
import { parseJson } from '../http.ts';
import type { InvocationReport } from './instance.ts';

/** Type of an invocation: synchronous (`RequestResponse`) or asynchronous (`Event`). */
export type InvocationType = 'Event' | 'RequestResponse';

/**
 * Outcome of an invocation.
 *
 * - `success`: the function returned `result`.
 * - `error`: it threw, could not be loaded, or exceeded the response limit.
 * - `timeout`: it exceeded its timeout and was killed.
 * - `crash`: its process exited before or during the invocation.
 */
export type InvocationOutcome =
  | { readonly status: 'success'; readonly result: unknown }
  | { readonly status: 'error'; readonly errorType: string; readonly errorMessage: string }
  | { readonly status: 'timeout' }
  | { readonly status: 'crash'; readonly message: string };

/** A finished invocation. Retries of an event are separate invocations with the same `requestId`. */
export interface Invocation extends Omit<InvocationReport, 'end'> {
  readonly functionName: string;
  readonly requestId: string;
  readonly payload: unknown;
  readonly type: InvocationType;
  /** Number of the attempt, 1 to 3. Always 1 for synchronous invocations. */
  readonly attempt: number;
  readonly outcome: InvocationOutcome;
}

/** An event that failed on all attempts, which would be sent to a dead-letter queue. */
export interface AbandonedEvent extends Pick<Invocation, 'functionName' | 'requestId' | 'payload' | 'outcome'> {
  /** Number of attempts. `outcome` is that of the last attempt. */
  readonly attempts: number;
}

/** Response of the Invoke API. */
export interface InvokeResponse {
  readonly payload: Buffer;
  readonly isError: boolean;
}

/** Converts the end of an invocation to an outcome. */
export function outcomeOf(end: InvocationReport['end']): InvocationOutcome {
  switch (end.kind) {
    case 'response': {
      const text = end.bytes.toString();
      const result = parseJson(text);
      return { status: 'success', result: result === undefined ? text : result };
    }
    case 'error':
      return { status: 'error', errorType: end.errorType, errorMessage: end.errorMessage };
    case 'timeout':
      return { status: 'timeout' };
    case 'exit':
      return { status: 'crash', message: end.reason };
  }
}

/** Converts the end of an invocation to a response with Lambda's messages. */
export function invokeResponseOf(end: InvocationReport['end'], requestId: string, seconds: number): InvokeResponse {
  const failed = (errorType: string, errorMessage: string) => ({
    payload: Buffer.from(JSON.stringify({ errorType, errorMessage: `RequestId: ${requestId} Error: ${errorMessage}` })),
    isError: true,
  });
  switch (end.kind) {
    case 'response':
      return { payload: end.bytes, isError: false };
    case 'error':
      return { payload: end.bytes, isError: true };
    case 'timeout':
      return failed('Sandbox.Timedout', `Task timed out after ${seconds.toFixed(2)} seconds`);
    case 'exit':
      return failed('Runtime.ExitError', end.reason);
  }
}

/** Maximum payload size, in bytes. @see AWS Lambda Developer Guide, "Lambda quotas" */
export const MAX_PAYLOAD_SIZE: Readonly<Record<InvocationType, number>> = {
  Event: 1024 * 1024,
  RequestResponse: 6 * 1024 * 1024,
};

/** Payload as text and as parsed value. */
export interface Payload {
  readonly text: string;
  readonly value: unknown;
}

/** Serializes a payload. @throws TestAwsError `PAYLOAD_INVALID` if JSON cannot represent it; `PAYLOAD_TOO_LARGE` */
export function payloadOf(value: unknown, type: InvocationType): Payload {
  const text = JSON.stringify(value);
  if (text === undefined)
    throw new TestAwsError('PAYLOAD_INVALID', `JSON cannot represent a value of type ${typeof value}`);
  return readPayload(text, type);
}

/** Parses a payload. An empty string is parsed as `{}`. @throws TestAwsError `PAYLOAD_INVALID`, `PAYLOAD_TOO_LARGE` */
export function readPayload(text: string, type: InvocationType): Payload {
  checkSize(Buffer.byteLength(text), type);
  if (text === '') return { text: '{}', value: {} };
  const value = parseJson(text);
  if (value === undefined) throw new TestAwsError('PAYLOAD_INVALID', 'Could not parse request body into json');
  return { text, value };
}

/** Checks the size of a payload. @throws TestAwsError `PAYLOAD_TOO_LARGE` */
export function checkSize(size: number, type: InvocationType): void {
  const limit = MAX_PAYLOAD_SIZE[type];
  if (size <= limit) return;
  const message = `${size} byte payload is too large for the ${type} invocation type (limit ${limit} bytes)`;
  throw new TestAwsError('PAYLOAD_TOO_LARGE', message);
}
