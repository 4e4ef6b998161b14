import { readFileSync } from 'node:fs';
import { FILTER_BUNDLE, GENERATOR_BUNDLE } from '@soci/functions';
import { DEFAULT_PREFIX, FUNCTION_KEYS, type FunctionKeys, hashedFunctionKeys } from './function-keys.ts';
import { plainTemplate } from './plain-template.ts';
import { PREFIX_PATTERN } from './template-parameters.ts';

/** What a bucket is to have: contents by their keys. */
export interface DeploymentPackage {
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Key of the template. */
  readonly template: string;
}

/** How a package is made. */
export interface PackageOptions {
  /** Folder of the bucket, with a slash at its end; empty for none. @default 'cfn-ecr-aws-soci-index-builder/' */
  readonly prefix?: string;
  /** Whether the names of the zips change with them. @default false */
  readonly hashNames?: boolean;
}

/** Where the template lies below the prefix. */
export const TEMPLATE_KEY = 'templates/SociIndexBuilder.json';

/**
 * Makes the plain template and the zips that it names.
 *
 * @throws Error with a prefix that the template's parameter does not take.
 */
export function makePackage({ prefix = DEFAULT_PREFIX, hashNames = false }: PackageOptions = {}): DeploymentPackage {
  if (!new RegExp(PREFIX_PATTERN).test(prefix)) {
    const fault =
      "is not folders with a slash after each, such as soci/v1/: letters, digits and ! _ . * ' ( ) -, no . or ..";
    throw new Error(`the prefix ${JSON.stringify(prefix)} ${fault}`);
  }
  const keys: FunctionKeys = hashNames ? hashedFunctionKeys() : FUNCTION_KEYS;
  const template = `${prefix}${TEMPLATE_KEY}`;
  return {
    template,
    files: new Map([
      [`${prefix}${keys.filter}`, readFileSync(FILTER_BUNDLE.zip)],
      [`${prefix}${keys.generator}`, readFileSync(GENERATOR_BUNDLE.zip)],
      [template, Buffer.from(`${JSON.stringify(plainTemplate(keys), undefined, 2)}\n`)],
    ]),
  };
}
