import type { TokenStore } from '../auth/access-policy.ts';
import type { Registry } from '../registry/registry.ts';

/** What the calls of ECR's own API work on: the same store as the OCI API. */
export interface AwsRegistry {
  readonly registry: Registry;
  readonly tokens: TokenStore<true>;
  /** Where the OCI API is, such as `http://127.0.0.1:40123`. */
  readonly proxyEndpoint: string;
  /** The address of a blob at the storage. */
  readonly signUrl: (digest: string) => string;
}

/** Ends a call with an exception of the API, such as `RepositoryNotFoundException`. */
export class AwsFailure extends Error {
  override readonly name = 'AwsFailure';
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** What a call is given. Nothing of it is checked until it is read. */
export type AwsInput = Readonly<Record<string, unknown>>;

/** A text that must be there. @throws AwsFailure `InvalidParameterException` */
export function textOf(input: AwsInput, name: string): string {
  return required(name, optionalTextOf(input, name));
}

/** What was read, which must be there. @throws AwsFailure `InvalidParameterException` */
export function required<T>(name: string, value: T | undefined): T {
  if (value === undefined) throw invalid(name, 'Member must not be null');
  return value;
}

/** A text that may be absent. @throws AwsFailure `InvalidParameterException` */
export function optionalTextOf(input: AwsInput, name: string): string | undefined {
  const value = input[name] ?? undefined;
  if (value !== undefined && typeof value !== 'string') throw invalid(name, 'Member must be a string');
  return value;
}

/** A list of at most `limit` texts; undefined where it is absent. @throws AwsFailure `InvalidParameterException` */
export function textsOf(input: AwsInput, name: string, limit: number): readonly string[] | undefined {
  return listOf(input, name, limit)?.map((item) => {
    if (typeof item !== 'string') throw invalid(name, 'Members must be strings');
    return item;
  });
}

/** A list of at most `limit` objects; undefined where it is absent. @throws AwsFailure `InvalidParameterException` */
export function objectsOf(input: AwsInput, name: string, limit: number): readonly AwsInput[] | undefined {
  return listOf(input, name, limit)?.map((item) => {
    if (typeof item !== 'object' || item === null) throw invalid(name, 'Members must be objects');
    return item as AwsInput;
  });
}

/** In ECR's words. */
export function invalid(name: string, constraint: string): AwsFailure {
  return new AwsFailure(
    'InvalidParameterException',
    `Invalid parameter at '${name}' failed to satisfy constraint: '${constraint}'`,
  );
}

function listOf(input: AwsInput, name: string, limit: number): readonly unknown[] | undefined {
  const value = input[name] ?? undefined;
  if (value === undefined) return undefined;
  if (!Array.isArray(value)) throw invalid(name, 'Member must be a list');
  if (value.length > limit) throw invalid(name, `Member must have length less than or equal to ${limit}`);
  return value;
}

const MAX_RESULTS = 1000;
const DEFAULT_RESULTS = 100;

/** The page of `all` that a call asks for by `maxResults` and `nextToken`. @throws AwsFailure `InvalidParameterException` */
export function pageOf<T>(all: readonly T[], input: AwsInput): { items: readonly T[]; nextToken?: string } {
  const size = input.maxResults ?? DEFAULT_RESULTS;
  if (typeof size !== 'number' || !Number.isInteger(size) || size < 1 || size > MAX_RESULTS) {
    throw invalid('maxResults', `Member must have value from 1 to ${MAX_RESULTS}`);
  }
  const token = Buffer.from(optionalTextOf(input, 'nextToken') ?? tokenOf(0), 'base64').toString();
  const start = Number(/^at (\d{1,9})$/.exec(token)?.[1]);
  if (Number.isNaN(start)) throw invalid('nextToken', 'Invalid token');
  const end = start + size;
  const items = all.slice(start, end);
  return end < all.length ? { items, nextToken: tokenOf(end) } : { items };
}

function tokenOf(start: number): string {
  return Buffer.from(`at ${start}`).toString('base64');
}
