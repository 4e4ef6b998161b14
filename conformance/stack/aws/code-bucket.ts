import { execFile } from 'node:child_process';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { REPORTS } from '../../run-report.ts';
import type { AwsCalls } from './aws-calls.ts';

const execute = promisify(execFile);

/** Default prefix of the keys in the bucket. */
export const PREFIX = 'cfn-ecr-aws-soci-index-builder/';

/** Keys of the zips after the prefix, by logical id of the function. Permissions to deploy contain them. */
export const CODE_KEYS: Readonly<Record<string, string>> = {
  ECRImageActionEventFilteringLambda: 'functions/packages/ecr-image-action-event-filtering/lambda.zip',
  SociIndexGeneratorLambda: 'functions/packages/soci-index-generator-lambda/soci_index_generator_lambda.zip',
};

const PROGRAM = join(import.meta.dirname, '..', '..', '..', 'apps', 'stack', 'dist', 'package.js');

/** Options of a package. */
export interface PackageOptions {
  /** @default {@link PREFIX} */
  readonly prefix?: string;
  /** Adds a hash to the names of the zips. @default false */
  readonly hashNames?: boolean;
}

/**
 * Creates a bucket and uploads a package to it with the documented command, `npm run stack:package -- --bucket NAME`.
 *
 * @returns Path of the written template.
 */
export async function fillBucket(
  aws: AwsCalls,
  bucket: string,
  { prefix = PREFIX, hashNames = false }: PackageOptions = {},
): Promise<string> {
  await aws.putObject(bucket, '', new Uint8Array());
  const folder = join(REPORTS.stack.folder, 'uploaded', bucket);
  const flags = ['--bucket', bucket, '--prefix', prefix, ...(hashNames ? ['--hash-names'] : [])];
  await execute(process.execPath, [PROGRAM, ...flags, folder], {
    env: {
      ...process.env,
      AWS_ENDPOINT_URL_S3: aws.url,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
      AWS_SECRET_ACCESS_KEY: 'secret',
    },
  });
  return join(folder, prefix, 'templates', 'SociIndexBuilder.json');
}

/** Uploads code under the keys that a template of an earlier release reads, if the current package has other keys. */
export async function putCode(aws: AwsCalls, bucket: string, template: string): Promise<void> {
  for (const [id, key] of Object.entries(CODE_KEYS)) {
    const name = basename(key);
    const keys = template.match(new RegExp(`functions/packages/[^"]*${name}`, 'g')) ?? [];
    for (const other of new Set(keys)) {
      if (other !== key) await aws.putObject(bucket, PREFIX + other, await readCode(aws, bucket, id));
    }
  }
}

/** Reads the zip of a function from a bucket. Finds it by the end of its key. */
export async function readCode(aws: AwsCalls, bucket: string, id: string): Promise<Buffer> {
  const end = CODE_KEYS[id]?.slice('functions/packages'.length) ?? id;
  const listed = (await aws.get('s3', `/${bucket}?list-type=2`)).toString();
  const keys = [...listed.matchAll(/<Key>([^<]*)<\/Key>/g)].flatMap(([, key]) => (key?.endsWith(end) ? [key] : []));
  if (keys.length !== 1) throw new Error(`${bucket} has ${keys.length} zips for ${id}`);
  return aws.get('s3', `/${bucket}/${keys[0]}`);
}
