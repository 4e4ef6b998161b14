import { Annotations, Stack, Token } from 'aws-cdk-lib';
import type { IRepository } from 'aws-cdk-lib/aws-ecr';
import { RegionInfo } from 'aws-cdk-lib/region-info';
import type { Construct } from 'constructs';
import type { IndexingOptions } from './indexing-options';
import { rules } from './shipped-assets';
import type { SociIndexBuilderProps } from './soci-index-builder-props';

const MAX_SIZE = 2 ** 40;

/** Checks what can be known while the template is made; what is a token, CloudFormation checks, or the functions do. */
export function checkProps(scope: Construct, props: SociIndexBuilderProps): void {
  const { outputTag, repositories, filters, reservedConcurrentExecutions } = props;
  checkIndexing(scope, props);
  checkNumber(scope, 'reservedConcurrentExecutions', reservedConcurrentExecutions, 1, 1000, 'invocations');
  if (outputTag !== undefined && !Token.isUnresolved(outputTag)) {
    attempt(scope, 'outputTag', () => rules.parseOutputTag(outputTag));
  }
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
    const problem = 'it is a FIFO queue, to which neither Lambda nor EventBridge writes: a standard one';
    fail(scope, 'deadLetterQueue', problem);
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
    const problem = `${repositoryName} is of account ${env.account}, and its pushes raise no events in ${here.account}: deploy this construct there`;
    fail(scope, 'repositories', problem);
  }
  if (Token.isUnresolved(here.account) && !Token.isUnresolved(env.account)) {
    const warning = `repositories: ${repositoryName} is of account ${env.account}: deploy this stack there, as its pushes raise no events elsewhere`;
    Annotations.of(scope).addWarningV2('@soci/construct:account', warning);
  }
  if (isOther(env.region, here.region)) {
    fail(scope, 'repositories', `${repositoryName} is in ${env.region}: deploy this construct there`);
  }
}

/** Checks what a builder and an indexed image have in common. */
export function checkIndexing(scope: Construct, options: IndexingOptions): void {
  const { memorySize, timeout, minLayerSize, spanSize, indexVersion, permissionsBoundary } = options;
  checkNumber(scope, 'memorySize', memorySize, 256, 10_240, 'MB: below that a large image may not fit');
  checkNumber(scope, 'timeout', timeout?.toSeconds(), 30, 900, 'seconds: more Lambda does not give');
  checkNumber(scope, 'minLayerSize', minLayerSize?.toBytes(), 0, MAX_SIZE, 'bytes');
  checkNumber(scope, 'spanSize', spanSize?.toBytes(), 1, MAX_SIZE, 'bytes');
  const version = indexVersion?.value ?? 'V2';
  if (!Token.isUnresolved(version) && version !== 'V1' && version !== 'V2') {
    fail(scope, 'indexVersion', `there is no ${version}: V1 or V2`);
  }
  checkBoundary(scope, permissionsBoundary?.managedPolicyArn);
}

/** Refuses a policy of another partition, which cannot bound a role here. */
function checkBoundary(scope: Construct, arn: string | undefined): void {
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
