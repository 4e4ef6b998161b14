import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { FILTER_BUNDLE, GENERATOR_BUNDLE } from '@soci/functions';

/** Where the zips of the functions lie below the prefix. */
export interface FunctionKeys {
  readonly filter: string;
  readonly generator: string;
}

/** Folder of the bucket that all lies in where nothing else is said. */
export const DEFAULT_PREFIX = 'cfn-ecr-aws-soci-index-builder/';

/** Digits of a hash that tell one version of the functions from another. */
const HASH_LENGTH = 12;

/** As those of AWS's SOCI Index Builder, so that permissions to fetch them hold. */
export const FUNCTION_KEYS: FunctionKeys = keysBelow('functions/packages');

/**
 * Keys that are others for other functions, which CloudFormation takes for a reason to update them. The same permissions hold:
 * they are about the ends of keys.
 */
export function hashedFunctionKeys(): FunctionKeys {
  const hash = createHash('sha256');
  for (const { zip } of [FILTER_BUNDLE, GENERATOR_BUNDLE]) hash.update(readFileSync(zip));
  return keysBelow(`functions/${hash.digest('hex').slice(0, HASH_LENGTH)}/packages`);
}

/** Whether a key is one that a zip has, or had for other functions. */
export function isFunctionKey(key: string): boolean {
  const [folder] = /^functions\/([0-9a-f]+\/)?packages(?=\/)/.exec(key) ?? [];
  return folder !== undefined && Object.values(keysBelow(folder)).includes(key);
}

function keysBelow(folder: string): FunctionKeys {
  return {
    filter: `${folder}/ecr-image-action-event-filtering/lambda.zip`,
    generator: `${folder}/soci-index-generator-lambda/soci_index_generator_lambda.zip`,
  };
}
