import { type AwsInput, invalid, optionalTextOf } from './aws-input.ts';

/** A part of a list, and where the next one begins. */
interface AwsPage<T> {
  readonly items: readonly T[];
  /** Given back by the caller for the next page; absent of the last. */
  readonly nextToken?: string;
}

const MAX_RESULTS = 1000;
const DEFAULT_RESULTS = 100;

/** The page of `all` that a call asks for by `maxResults` and `nextToken`. @throws AwsFailure `InvalidParameterException` */
export function pageOf<T>(all: readonly T[], input: AwsInput): AwsPage<T> {
  const size = input.maxResults ?? DEFAULT_RESULTS;
  if (typeof size !== 'number' || !Number.isInteger(size) || size < 1 || size > MAX_RESULTS) {
    throw invalid('maxResults', `Member must have value from 1 to ${MAX_RESULTS}`);
  }
  const start = readToken(optionalTextOf(input, 'nextToken'));
  const end = start + size;
  const items = all.slice(start, end);
  return end < all.length ? { items, nextToken: Buffer.from(`at ${end}`).toString('base64') } : { items };
}

function readToken(token: string | undefined): number {
  if (token === undefined) return 0;
  const match = /^at (\d{1,9})$/.exec(Buffer.from(token, 'base64').toString());
  if (match === null) throw invalid('nextToken', 'Invalid token');
  return Number(match[1]);
}
