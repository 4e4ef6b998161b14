import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PACKAGE_FOLDER } from '../templates/templates.ts';
import type { AwsCalls } from './aws-calls.ts';

/** Folder of the bucket that the zips lie in, unless a parameter says otherwise. */
export const PREFIX = 'cfn-ecr-aws-soci-index-builder/';

/** Where the zips lie in it, by the logical id of their function: names that permissions to deploy have. */
export const CODE_KEYS: Readonly<Record<string, string>> = {
  ECRImageActionEventFilteringLambda: 'functions/packages/ecr-image-action-event-filtering/lambda.zip',
  SociIndexGeneratorLambda: 'functions/packages/soci-index-generator-lambda/soci_index_generator_lambda.zip',
};

/** Makes a bucket with what the template's program has written. */
export async function fillBucket(aws: AwsCalls, bucket: string): Promise<void> {
  await aws.putObject(bucket, '', new Uint8Array());
  for (const key of Object.values(CODE_KEYS)) {
    await aws.putObject(bucket, PREFIX + key, readFileSync(join(PACKAGE_FOLDER, PREFIX, key)));
  }
}

/** A zip, as it lies in a bucket. */
export function readCode(aws: AwsCalls, bucket: string, id: string): Promise<Buffer> {
  return aws.get('s3', `/${bucket}/${PREFIX}${CODE_KEYS[id]}`);
}
