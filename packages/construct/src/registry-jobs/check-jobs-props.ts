import { Stack, Token } from 'aws-cdk-lib';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { checkNumber, EXACT, validate } from '../check-props';
import { checkObject, checkTypes, fail } from '../property-types';
import { rules } from '../shipped-assets';
import type { SociRegistryJobsProps } from './soci-registry-jobs-props';

/** Default of `maxConcurrency`. */
export const DEFAULT_MAX_CONCURRENCY = 10;

/** Default of `confirmAbove`. */
export const DEFAULT_CONFIRM_ABOVE = 10_000;

/** @see AWS Step Functions Developer Guide, "Distributed Map", MaxConcurrency */
const MAX_CONCURRENCY = 10_000;

const [MAX_IMAGES, MAX_SIZE, MAX_DAYS] = [1_000_000_000, 2 ** 50, 36_500];

/** Validates properties during synthesis, and returns the generator. */
export function checkJobsProps(scope: Construct, props: SociRegistryJobsProps): IFunction {
  checkObject(scope, 'props', props, 'properties such as { builder }');
  const { builder, generatorFunction, outputTag, indexVersion, filters, repositories, bucket } = props;
  checkTypes(scope, props);
  checkNumber(scope, 'maxConcurrency', props.maxConcurrency, 1, MAX_CONCURRENCY, 'images');
  checkNumber(scope, 'confirmAbove', props.confirmAbove, 0, MAX_IMAGES, 'images');
  checkNumber(scope, 'maxImageSize', props.maxImageSize?.toBytes(EXACT), 1, MAX_SIZE, 'bytes');
  checkNumber(scope, 'newerThan', props.newerThan?.toDays({ integral: false }), 1, MAX_DAYS, 'days');
  checkGarbageCollection(scope, props);
  if (filters?.length === 0) fail(scope, 'filters', 'the list is empty: omit it or use *:* to index all images');
  if (repositories?.length === 0) fail(scope, 'repositories', 'the list is empty: omit it to include all repositories');
  if (bucket !== undefined && props.resultRetention !== undefined) {
    fail(scope, 'resultRetention', 'bucket is set, which has its own lifecycle rules: remove one of them');
  }
  if (outputTag !== undefined && !Token.isUnresolved(outputTag)) {
    validate(scope, 'outputTag', () => rules.parseOutputTag(outputTag));
  }
  if (builder === undefined) {
    if (generatorFunction !== undefined) return generatorFunction;
    return fail(scope, 'builder', 'it is missing: set builder, or the generatorFunction of a builder in another stack');
  }
  for (const [name, value] of Object.entries({ generatorFunction, outputTag, indexVersion })) {
    if (value !== undefined) fail(scope, name, 'builder is set, which determines it: remove one of them');
  }
  return builder.generatorFunction;
}

function checkGarbageCollection(scope: Construct, { garbageCollection }: SociRegistryJobsProps): void {
  if (garbageCollection === undefined) return;
  checkObject(scope, 'garbageCollection', garbageCollection, '{ otherImagesInUse: SociImagesInUse.NONE }');
  checkTypes(scope, garbageCollection, 'garbageCollection.');
  const { clusters, olderThan, otherImagesInUse } = garbageCollection;
  if (otherImagesInUse === undefined) {
    fail(scope, 'garbageCollection.otherImagesInUse', 'it is missing: use SociImagesInUse.NONE or LISTED');
  }
  checkNumber(scope, 'garbageCollection.olderThan', olderThan?.toDays({ integral: false }), 0, MAX_DAYS, 'days');
  const name = 'garbageCollection.clusters';
  if (clusters?.length === 0) fail(scope, name, 'the list is empty: omit it');
  const { account } = Stack.of(scope);
  for (const { env, clusterName } of clusters ?? []) {
    if (Token.isUnresolved(account) || Token.isUnresolved(env.account) || env.account === account) continue;
    const problem = `${clusterName} is in the account ${env.account}: list its images below in-use/, with SociImagesInUse.LISTED`;
    fail(scope, name, problem);
  }
}
