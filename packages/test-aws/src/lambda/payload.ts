import { TestAwsError } from '../errors.ts';
import { parseJson } from '../http.ts';

/** How a function is invoked: the caller waits for what it says, or leaves an event. */
export type InvocationType = 'Event' | 'RequestResponse';

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
