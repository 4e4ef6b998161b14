import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { REPORT } from '../report.ts';
import type { AwsCalls } from './aws-calls.ts';

const execute = promisify(execFile);

/** Folder of the bucket that the zips lie in, unless a parameter says otherwise. */
export const PREFIX = 'cfn-ecr-aws-soci-index-builder/';

/** Where the zips lie in it, by the logical id of their function: names that permissions to deploy have. */
export const CODE_KEYS: Readonly<Record<string, string>> = {
  ECRImageActionEventFilteringLambda: 'functions/packages/ecr-image-action-event-filtering/lambda.zip',
  SociIndexGeneratorLambda: 'functions/packages/soci-index-generator-lambda/soci_index_generator_lambda.zip',
};

const PROGRAM = join(import.meta.dirname, '..', '..', '..', 'apps', 'stack', 'dist', 'package.js');

/** Makes a bucket, and has the package uploaded to it as anybody would: `pnpm --filter stack package --bucket NAME`. */
export async function fillBucket(aws: AwsCalls, bucket: string): Promise<void> {
  await aws.putObject(bucket, '', new Uint8Array());
  await execute(process.execPath, [PROGRAM, '--bucket', bucket, join(REPORT.folder, 'uploaded')], {
    env: {
      ...process.env,
      AWS_ENDPOINT_URL_S3: aws.url,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
      AWS_SECRET_ACCESS_KEY: 'secret',
    },
  });
}

/** A zip, as it lies in a bucket. */
export function readCode(aws: AwsCalls, bucket: string, id: string): Promise<Buffer> {
  return aws.get('s3', `/${bucket}/${PREFIX}${CODE_KEYS[id]}`);
}
