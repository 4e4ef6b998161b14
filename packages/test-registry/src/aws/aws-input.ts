import { AwsFailure } from './aws-registry.ts';

/** What a call is given. Nothing of it is checked until it is read. */
export type AwsInput = Readonly<Record<string, unknown>>;

/** A text that must be there. @throws AwsFailure `InvalidParameterException` */
export function textOf(input: AwsInput, name: string): string {
  const value = optionalTextOf(input, name);
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
