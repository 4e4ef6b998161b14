import { readFileSync } from 'node:fs';
import { FILTER_BUNDLE, GENERATOR_BUNDLE } from '@soci/functions';
import { DEFAULT_PREFIX, FUNCTION_KEYS, type FunctionKeys, hashedFunctionKeys } from './function-keys.ts';
import { PREFIX_PATTERN } from './parameters/resources.ts';
import { plainTemplate } from './plain-template.ts';

/** Files of a deployment: the template and the zips of the functions. */
export interface DeploymentPackage {
  /** Contents by key in the bucket. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Key of the template. */
  readonly template: string;
}

/** Options of {@link makePackage}. */
export interface PackageOptions {
  /** Key prefix, empty or with a slash at the end. @default 'cfn-ecr-aws-soci-index-builder/' */
  readonly prefix?: string;
  /** Whether the keys of the zips contain a hash of their contents. @default false */
  readonly hashNames?: boolean;
}

/** Key of the template after the prefix. */
export const TEMPLATE_KEY = 'templates/SociIndexBuilder.json';

/**
 * Creates the plain template and the zips that it refers to.
 *
 * @throws Error for a prefix that the parameter of the template does not allow.
 */
export function makePackage({ prefix = DEFAULT_PREFIX, hashNames = false }: PackageOptions = {}): DeploymentPackage {
  if (!new RegExp(PREFIX_PATTERN).test(prefix)) {
    const expected =
      "use folders with a slash after each, such as soci/v1/, with letters, digits and ! _ . * ' ( ) -, and without . or ..";
    throw new Error(`invalid prefix ${JSON.stringify(prefix)}: ${expected}`);
  }
  const keys: FunctionKeys = hashNames ? hashedFunctionKeys() : FUNCTION_KEYS;
  const template = `${prefix}${TEMPLATE_KEY}`;
  return {
    template,
    files: new Map([
      [`${prefix}${keys.filter}`, readFileSync(FILTER_BUNDLE.zip)],
      [`${prefix}${keys.generator}`, readFileSync(GENERATOR_BUNDLE.zip)],
      // Without white space, because a request may contain at most 51,200 bytes of template.
      [template, Buffer.from(JSON.stringify(plainTemplate(keys)))],
    ]),
  };
}
