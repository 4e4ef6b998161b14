import type { TokenStore } from '../auth/access-policy.ts';
import type { Registry } from '../registry/registry.ts';

/** State of the ECR API, shared with the OCI API. */
export interface AwsRegistry {
  readonly registry: Registry;
  readonly tokens: TokenStore<true>;
  /** URL of the OCI API, such as `http://127.0.0.1:40123`. */
  readonly proxyEndpoint: string;
  /** Returns the signed URL of a blob. */
  readonly signUrl: (digest: string) => string;
}

/** Fails a call with an exception of the API, such as `RepositoryNotFoundException`. */
export class AwsFailure extends Error {
  override readonly name = 'AwsFailure';
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** The input of a call, checked when it is read. */
export type AwsInput = Readonly<Record<string, unknown>>;

/** Returns a required string. @throws AwsFailure `InvalidParameterException` */
export function textOf(input: AwsInput, name: string): string {
  return required(name, optionalTextOf(input, name));
}

/** Returns `value` if it is defined. @throws AwsFailure `InvalidParameterException` */
export function required<T>(name: string, value: T | undefined): T {
  if (value === undefined) throw invalid(name, 'Member must not be null');
  return value;
}

/** Returns an optional string. @throws AwsFailure `InvalidParameterException` */
export function optionalTextOf(input: AwsInput, name: string): string | undefined {
  const value = input[name] ?? undefined;
  if (value !== undefined && typeof value !== 'string') throw invalid(name, 'Member must be a string');
  return value;
}

/** Returns an optional list of at most `limit` strings. @throws AwsFailure `InvalidParameterException` */
export function textsOf(input: AwsInput, name: string, limit: number): readonly string[] | undefined {
  return listOf(input, name, limit)?.map((item) => {
    if (typeof item !== 'string') throw invalid(name, 'Members must be strings');
    return item;
  });
}

/** Returns an optional list of at most `limit` objects. @throws AwsFailure `InvalidParameterException` */
export function objectsOf(input: AwsInput, name: string, limit: number): readonly AwsInput[] | undefined {
  return listOf(input, name, limit)?.map((item) => {
    if (typeof item !== 'object' || item === null) throw invalid(name, 'Members must be objects');
    return item as AwsInput;
  });
}

/** Returns the error of ECR for an invalid parameter. */
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

/**
 * Returns the page of `all` selected by `maxResults` and `nextToken`.
 *
 * @throws AwsFailure `InvalidParameterException`
 */
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
