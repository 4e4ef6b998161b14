import { Annotations, type Size, Stack, Token } from 'aws-cdk-lib';
import type { IRepository } from 'aws-cdk-lib/aws-ecr';
import type { IManagedPolicy } from 'aws-cdk-lib/aws-iam';
import { RegionInfo } from 'aws-cdk-lib/region-info';
import type { Construct } from 'constructs';
import { rules } from './shipped-assets';
import type { SociIndexBuilderProps } from './soci-index-builder-props';
import type { SociIndexVersion } from './soci-index-version';

const MAX_SIZE = 2 ** 40;

/** Checks what can be known while the template is made; what is a token, CloudFormation checks, or the functions do. */
export function checkProps(scope: Construct, props: SociIndexBuilderProps): void {
  const { memorySize, timeout, outputTag, repositories, filters, reservedConcurrentExecutions } = props;
  checkResources(scope, memorySize, timeout?.toSeconds());
  checkNumber(scope, 'reservedConcurrentExecutions', reservedConcurrentExecutions, 1, 1000, 'invocations');
  checkSizes(scope, props);
  if (outputTag !== undefined && !Token.isUnresolved(outputTag)) {
    attempt(scope, 'outputTag', () => rules.parseOutputTag(outputTag));
  }
  checkVersion(scope, props.indexVersion);
  checkBoundary(scope, props.permissionsBoundary);
  const template = outputTagOf(props);
  if (props.untaggedImages && !Token.isUnresolved(template) && template.includes('{tag}')) {
    fail(scope, 'untaggedImages', `an image without a tag would get none by the template ${template}: use {digest12}`);
  }
  if (filters?.length === 0) fail(scope, 'filters', 'the list is empty: leave it out for all images, or write *:*');
  if (repositories?.length === 0) fail(scope, 'repositories', 'the list is empty: leave it out for all repositories');
  for (const repository of repositories ?? []) checkPlace(scope, repository);
  if (props.deadLetterQueue !== undefined && props.deadLetterQueueEnabled === false) {
    fail(scope, 'deadLetterQueueEnabled', 'it is false, and a deadLetterQueue is given: leave one of them out');
  }
  if (props.deadLetterQueue?.fifo) {
    fail(
      scope,
      'deadLetterQueue',
      'it is a FIFO queue, to which neither Lambda nor EventBridge writes: a standard one',
    );
  }
  if (props.alarmTopic !== undefined && props.alarms === false) {
    fail(scope, 'alarms', 'it is false, and an alarmTopic is given: leave one of them out');
  }
}

/** The template for the tags of what a builder makes. Indexes of version 1 have none, which the filter would have to exclude. */
export function outputTagOf({ indexVersion, outputTag }: SociIndexBuilderProps): string {
  return indexVersion?.value === 'V1' ? rules.NO_OUTPUT_TAG : (outputTag ?? rules.DEFAULT_OUTPUT_TAG);
}

/** Refuses a repository whose pushes raise no events here, and warns of one that may be such. */
function checkPlace(scope: Construct, { repositoryName, env }: IRepository): void {
  const here = Stack.of(scope);
  if (isOther(env.account, here.account)) {
    fail(
      scope,
      'repositories',
      `${repositoryName} is of account ${env.account}, and its pushes raise no events in ${here.account}: deploy this construct there`,
    );
  }
  if (Token.isUnresolved(here.account) && !Token.isUnresolved(env.account)) {
    Annotations.of(scope).addWarningV2(
      '@soci/construct:account',
      `repositories: ${repositoryName} is of account ${env.account}: deploy this stack there, as its pushes raise no events elsewhere`,
    );
  }
  if (isOther(env.region, here.region)) {
    fail(scope, 'repositories', `${repositoryName} is in ${env.region}: deploy this construct there`);
  }
}

/** Checks memory in MB and time in seconds of a function that indexes. */
export function checkResources(scope: Construct, memorySize: number | undefined, seconds: number | undefined): void {
  checkNumber(scope, 'memorySize', memorySize, 256, 10_240, 'MB: below that a large image may not fit');
  checkNumber(scope, 'timeout', seconds, 30, 900, 'seconds: more Lambda does not give');
}

/** Checks sizes by the range that the functions take. */
export function checkSizes(
  scope: Construct,
  { minLayerSize, spanSize }: { readonly minLayerSize?: Size; readonly spanSize?: Size },
): void {
  checkNumber(scope, 'minLayerSize', minLayerSize?.toBytes(), 0, MAX_SIZE, 'bytes');
  checkNumber(scope, 'spanSize', spanSize?.toBytes(), 1, MAX_SIZE, 'bytes');
}

/** Refuses a version that there is not. */
export function checkVersion(scope: Construct, version: SociIndexVersion | undefined): void {
  const value = version?.value ?? 'V2';
  if (Token.isUnresolved(value) || value === 'V1' || value === 'V2') return;
  fail(scope, 'indexVersion', `there is no ${value}: V1 or V2`);
}

/** Refuses a policy of another partition, which cannot bound a role here. */
export function checkBoundary(scope: Construct, boundary: IManagedPolicy | undefined): void {
  const arn = boundary?.managedPolicyArn;
  const { region } = Stack.of(scope);
  if (arn === undefined || Token.isUnresolved(arn) || Token.isUnresolved(region)) return;
  const here = RegionInfo.get(region).partition;
  const [, partition] = arn.split(':');
  if (here === undefined || partition === here) return;
  fail(scope, 'permissionsBoundary', `${arn} is of the partition ${partition}, and ${region} is of ${here}`);
}

/** Whether two accounts, or Regions, are known and differ. */
export function isOther(one: string, other: string): boolean {
  return !Token.isUnresolved(one) && !Token.isUnresolved(other) && one !== other;
}

/** Checks a number that is known, with what it counts. */
function checkNumber(
  scope: Construct,
  name: string,
  value: number | undefined,
  least: number,
  most: number,
  what: string,
): void {
  if (value === undefined || Token.isUnresolved(value)) return;
  if (Number.isInteger(value) && value >= least && value <= most) return;
  fail(scope, name, `${value} is not from ${least} to ${most} ${what}`);
}

/** Runs something whose error says what is wrong with a property. */
export function attempt<T>(scope: Construct, name: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    return fail(scope, name, (error as Error).message);
  }
}

/** Refuses a property, with the construct that has it. */
export function fail(scope: Construct, name: string, problem: string): never {
  throw new Error(`${scope.node.path}: ${name}: ${problem}`);
}
