import { TestAwsError } from '../errors.ts';
import { parseJson } from '../http.ts';
import type { WorkReport } from './instance.ts';

/** How a function is invoked: the caller waits for what it says, or leaves an event. */
export type InvocationType = 'Event' | 'RequestResponse';

/**
 * What became of an invocation.
 *
 * - `success`: the function returned `result`.
 * - `error`: it threw, could not be loaded, or returned more than Lambda takes.
 * - `timeout`: it took longer than it may, and was killed.
 * - `crash`: its process ended while it worked, or before it had begun.
 */
export type InvocationOutcome =
  | { readonly status: 'success'; readonly result: unknown }
  | { readonly status: 'error'; readonly errorType: string; readonly errorMessage: string }
  | { readonly status: 'timeout' }
  | { readonly status: 'crash'; readonly message: string };

/** One run of a function, over. An event that is tried again makes several, with one `requestId`. */
export interface Invocation extends Omit<WorkReport, 'end'> {
  readonly functionName: string;
  readonly requestId: string;
  readonly payload: unknown;
  readonly type: InvocationType;
  /** Which try of the event it was, 1 to 3. Always 1 where the caller waited. */
  readonly attempt: number;
  readonly outcome: InvocationOutcome;
}

/** An event that failed on each of its tries: what a dead-letter queue would get. */
export interface AbandonedEvent extends Pick<Invocation, 'functionName' | 'requestId' | 'payload' | 'outcome'> {
  /** How often it was tried; `outcome` is that of the last try. */
  readonly attempts: number;
}

/** What a caller gets: the payload of the answer, and whether that is of an error. */
export interface InvokeAnswer {
  readonly payload: Buffer;
  readonly isError: boolean;
}

/** What became of an invocation, as the test sees it. */
export function outcomeOf(end: WorkReport['end']): InvocationOutcome {
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

/** What its caller gets, in Lambda's words. */
export function invokeAnswerOf(end: WorkReport['end'], requestId: string, seconds: number): InvokeAnswer {
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

/** Largest payload in bytes. @see AWS Lambda Developer Guide, "Lambda quotas" */
export const MAX_PAYLOAD_SIZE: Readonly<Record<InvocationType, number>> = {
  Event: 1024 * 1024,
  RequestResponse: 6 * 1024 * 1024,
};

/** What a function is invoked with, as text and as what that says. */
export interface Payload {
  readonly text: string;
  readonly value: unknown;
}

/** @throws TestAwsError `PAYLOAD_INVALID` where a value cannot be said in JSON; `PAYLOAD_TOO_LARGE` */
export function payloadOf(value: unknown, type: InvocationType): Payload {
  const text = JSON.stringify(value);
  if (text === undefined) throw new TestAwsError('PAYLOAD_INVALID', `${typeof value} cannot be said in JSON`);
  return readPayload(text, type);
}

/** Reads a payload; without any text it is `{}`. @throws TestAwsError `PAYLOAD_INVALID`, `PAYLOAD_TOO_LARGE` */
export function readPayload(text: string, type: InvocationType): Payload {
  checkSize(Buffer.byteLength(text), type);
  if (text === '') return { text: '{}', value: {} };
  const value = parseJson(text);
  if (value === undefined) throw new TestAwsError('PAYLOAD_INVALID', 'Could not parse request body into json');
  return { text, value };
}

/** @throws TestAwsError `PAYLOAD_TOO_LARGE` */
export function checkSize(size: number, type: InvocationType): void {
  const limit = MAX_PAYLOAD_SIZE[type];
  if (size <= limit) return;
  const message = `${size} byte payload is too large for the ${type} invocation type (limit ${limit} bytes)`;
  throw new TestAwsError('PAYLOAD_TOO_LARGE', message);
}
