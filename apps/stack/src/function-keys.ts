import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { FILTER_BUNDLE, GENERATOR_BUNDLE, JOBS_BUNDLE } from '@soci/functions';

/** Keys of the zips after the prefix. */
export interface FunctionKeys {
  readonly filter: string;
  readonly generator: string;
  readonly jobs: string;
}

/** Default key prefix. */
export const DEFAULT_PREFIX = 'cfn-ecr-aws-soci-index-builder/';

/** Number of hex digits of a hash in a key. */
const HASH_LENGTH = 12;

/** The keys of AWS's SOCI Index Builder, so that existing permissions match. */
export const FUNCTION_KEYS: FunctionKeys = keysUnder('functions/packages');

/**
 * Returns keys with a hash of the zips, so that CloudFormation updates the functions when their code changes. Existing permissions
 * still match, because they contain only the ends of the keys.
 */
export function hashedFunctionKeys(): FunctionKeys {
  const hash = createHash('sha256');
  for (const { zip } of [FILTER_BUNDLE, GENERATOR_BUNDLE, JOBS_BUNDLE]) hash.update(readFileSync(zip));
  return keysUnder(`functions/${hash.digest('hex').slice(0, HASH_LENGTH)}/packages`);
}

/** Returns whether a key is that of a zip, with or without a hash. */
export function isZipKey(key: string): boolean {
  const [folder] = /^functions\/([0-9a-f]+\/)?packages(?=\/)/.exec(key) ?? [];
  return folder !== undefined && Object.values(keysUnder(folder)).includes(key);
}

function keysUnder(folder: string): FunctionKeys {
  return {
    filter: `${folder}/ecr-image-action-event-filtering/lambda.zip`,
    generator: `${folder}/soci-index-generator-lambda/soci_index_generator_lambda.zip`,
    jobs: `${folder}/soci-registry-jobs/lambda.zip`,
  };
}
