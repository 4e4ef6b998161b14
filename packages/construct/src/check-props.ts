import { Annotations, SizeRoundingBehavior, Stack, Token } from 'aws-cdk-lib';
import type { IRepository } from 'aws-cdk-lib/aws-ecr';
import { Tracing } from 'aws-cdk-lib/aws-lambda';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { RegionInfo } from 'aws-cdk-lib/region-info';
import type { Construct } from 'constructs';
import type { IndexingOptions } from './indexing-options';
import { checkObject, checkTypes, fail, quote } from './property-types';
import { rules } from './shipped-assets';
import type { SociIndexBuilderProps } from './soci-index-builder-props';
import { DEFAULT_MAX_CONCURRENCY } from './work-queue';

const MAX_SIZE = 2 ** 40;

/** Sizes that are not whole numbers of bytes are errors of the property. */
export const EXACT = { rounding: SizeRoundingBehavior.NONE } as const;

/** Maximum timeout of a function. @see AWS Lambda Developer Guide, "Lambda quotas" */
const MAX_SECONDS = 1800;

/** Validates properties during synthesis. Tokens are validated later, by CloudFormation or the functions. */
export function checkProps(scope: Construct, props: SociIndexBuilderProps): void {
  checkObject(scope, 'props', props, "properties such as { filters: ['prod/*:*'] }");
  const { outputTag, repositories, filters, reservedConcurrentExecutions, tracing } = props;
  checkIndexing(scope, props);
  checkNumber(scope, 'reservedConcurrentExecutions', reservedConcurrentExecutions, 1, 1000, 'invocations');
  checkQueue(scope, props);
  checkNetwork(scope, props);
  if (tracing !== undefined && !Token.isUnresolved(tracing) && !Object.values(Tracing).includes(tracing)) {
    fail(scope, 'tracing', `${quote(tracing)} is not a mode: use a value such as Tracing.ACTIVE`);
  }
  if (outputTag !== undefined && !Token.isUnresolved(outputTag)) {
    validate(scope, 'outputTag', () => rules.parseOutputTag(outputTag));
  }
  const template = outputTagOf(props);
  if (props.untaggedImages && !Token.isUnresolved(template) && template.includes('{tag}')) {
    fail(
      scope,
      'untaggedImages',
      `outputTag ${template} needs a tag, which untagged images do not have: use {digest12}`,
    );
  }
  if (filters?.length === 0) fail(scope, 'filters', 'the list is empty: omit it or use *:* to index all images');
  if (repositories?.length === 0) fail(scope, 'repositories', 'the list is empty: omit it to include all repositories');
  const { memberAccounts = [] } = props;
  for (const account of Token.isUnresolved(memberAccounts) ? [] : memberAccounts) {
    if (Token.isUnresolved(account) || /^\d{12}$/.test(account)) continue;
    fail(scope, 'memberAccounts', `${JSON.stringify(account)} is not an account id: use 12 digits`);
  }
  for (const repository of repositories ?? []) checkLocation(scope, repository, memberAccounts);
  if (props.deadLetterQueue !== undefined && props.deadLetterQueueEnabled === false) {
    fail(scope, 'deadLetterQueueEnabled', 'it is false, but deadLetterQueue is set: remove one of them');
  }
  if (props.deadLetterQueue?.fifo) {
    const problem = 'it is a FIFO queue, which Lambda and EventBridge do not support: use a standard queue';
    fail(scope, 'deadLetterQueue', problem);
  }
  if (props.alarmTopic !== undefined && props.alarms === false) {
    fail(scope, 'alarms', 'it is false, but alarmTopic is set: remove one of them');
  }
}

/** Rejects settings of a network without one. */
function checkNetwork(scope: Construct, { vpc, vpcSubnets, securityGroups }: SociIndexBuilderProps): void {
  if (vpcSubnets !== undefined) {
    checkObject(scope, 'vpcSubnets', vpcSubnets, '{ subnetType: SubnetType.PRIVATE_WITH_EGRESS }');
  }
  for (const [name, value] of Object.entries({ vpcSubnets, securityGroups })) {
    if (value !== undefined && vpc === undefined) fail(scope, name, 'vpc is not set: set it, or omit this property');
  }
}

function checkQueue(scope: Construct, props: SociIndexBuilderProps): void {
  const { queue, maxConcurrency, reservedConcurrentExecutions: reserved } = props;
  if (maxConcurrency !== undefined && !queue) {
    fail(scope, 'maxConcurrency', 'it limits the images from the queue: set queue to true, or omit maxConcurrency');
  }
  checkNumber(scope, 'maxConcurrency', maxConcurrency, 2, 1000, 'invocations');
  const maximum = maxConcurrency ?? DEFAULT_MAX_CONCURRENCY;
  if (!queue || reserved === undefined || Token.isUnresolved(reserved) || Token.isUnresolved(maximum)) return;
  if (reserved >= maximum) return;
  const problem = `${maximum} exceeds reservedConcurrentExecutions, ${reserved}: Lambda would throttle events until they are in the dead-letter queue. Set it to at most ${reserved}, or reserve more`;
  fail(scope, 'maxConcurrency', problem);
}

/** Returns the output tag of a builder: `none` for version 1, which creates no tags that the filter must exclude. */
export function outputTagOf({ indexVersion, outputTag }: SociIndexBuilderProps): string {
  return indexVersion?.value === 'V1' ? rules.NO_OUTPUT_TAG : (outputTag ?? rules.DEFAULT_OUTPUT_TAG);
}

/** Rejects a repository whose events do not arrive in this account or Region. Warns if this is unknown. */
function checkLocation(scope: Construct, { repositoryName, env }: IRepository, memberAccounts: string[]): void {
  const here = Stack.of(scope);
  const isMember = Token.isUnresolved(memberAccounts) || memberAccounts.includes(env.account);
  if (areDifferent(env.account, here.account) && !isMember) {
    const problem = `${repositoryName} belongs to account ${env.account}, and ${here.account} gets no events for it: deploy this construct to ${env.account}, or add the account to memberAccounts`;
    fail(scope, 'repositories', problem);
  }
  if (Token.isUnresolved(here.account) && !Token.isUnresolved(env.account) && !isMember) {
    const warning = `repositories: ${repositoryName} belongs to account ${env.account}: deploy this stack to that account, because other accounts get no events for it, or add the account to memberAccounts`;
    Annotations.of(scope).addWarningV2('@soci/construct:account', warning);
  }
  if (areDifferent(env.region, here.region)) {
    fail(scope, 'repositories', `${repositoryName} is in ${env.region}: deploy this construct to that Region`);
  }
}

/** Validates the options that `SociIndexBuilder` and `SociIndexedImage` share. */
export function checkIndexing(scope: Construct, options: IndexingOptions): void {
  const { memorySize, timeout, minLayerSize, spanSize, indexVersion, logRetention, permissionsBoundary } = options;
  checkTypes(scope, options);
  for (const name of ['autoSpanSize', 'useStoredProfile'] as const) {
    if (options[name] && spanSize !== undefined)
      fail(scope, name, 'spanSize fixes the size of all spans: remove one of them');
  }
  checkNumber(scope, 'memorySize', memorySize, 256, 10_240, 'MB');
  checkNumber(scope, 'timeout', timeout?.toSeconds({ integral: false }), 30, MAX_SECONDS, 'seconds');
  checkNumber(scope, 'minLayerSize', minLayerSize?.toBytes(EXACT), 0, MAX_SIZE, 'bytes');
  checkNumber(scope, 'spanSize', spanSize?.toBytes(EXACT), 1, MAX_SIZE, 'bytes');
  checkNumber(scope, 'logRetention', logRetention, 1, RetentionDays.INFINITE, 'days');
  if (logRetention !== undefined && !Token.isUnresolved(logRetention) && !(logRetention in RetentionDays)) {
    fail(
      scope,
      'logRetention',
      `logs cannot be kept for ${logRetention} days: use a value such as RetentionDays.ONE_WEEK`,
    );
  }
  const version = indexVersion?.value ?? 'V2';
  if (!Token.isUnresolved(version) && version !== 'V1' && version !== 'V2') {
    fail(scope, 'indexVersion', `unknown version ${version}: use V1 or V2`);
  }
  checkRecompression(scope, options.recompress?.value ?? 'none', version);
  checkBoundary(scope, permissionsBoundary?.managedPolicyArn);
}

function checkRecompression(scope: Construct, recompress: string, version: string): void {
  if (Token.isUnresolved(recompress) || recompress === 'none') return;
  if (recompress !== 'zstd' && recompress !== 'zstd,tar') {
    fail(scope, 'recompress', `unknown value ${recompress}: use zstd, zstd,tar or none`);
  }
  if (version === 'V1') fail(scope, 'recompress', 'indexVersion V1 does not change layers: use V2, or omit recompress');
}

/** Rejects a permissions boundary of another partition. */
function checkBoundary(scope: Construct, arn: string | undefined): void {
  const { region } = Stack.of(scope);
  if (arn === undefined || Token.isUnresolved(arn) || Token.isUnresolved(region)) return;
  const here = RegionInfo.get(region).partition;
  const [, partition] = arn.split(':');
  if (here === undefined || partition === here) return;
  fail(
    scope,
    'permissionsBoundary',
    `${arn} is in the partition ${partition}, but ${region} is in ${here}: use a policy of that partition`,
  );
}

/** Returns whether two accounts or Regions are known and differ. */
export function areDifferent(one: string, other: string): boolean {
  return !Token.isUnresolved(one) && !Token.isUnresolved(other) && one !== other;
}

/** Validates the range of a number, unless it is a token. */
export function checkNumber(
  scope: Construct,
  name: string,
  value: number | undefined,
  min: number,
  max: number,
  unit: string,
): void {
  if (value === undefined || Token.isUnresolved(value)) return;
  if (Number.isInteger(value) && value >= min && value <= max) return;
  if (typeof value !== 'number') fail(scope, name, `${quote(value)} is not a number: use ${min} to ${max} ${unit}`);
  const range = Number.isInteger(value) ? `between ${min} and ${max}` : `a whole number from ${min} to ${max}`;
  fail(scope, name, `${value} is not ${range} ${unit}`);
}

/** Runs `read` and attributes its error to the property `name`. */
export function validate<T>(scope: Construct, name: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    return fail(scope, name, (error as Error).message);
  }
}
