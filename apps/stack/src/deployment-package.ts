import { readFileSync } from 'node:fs';
import { FILTER_BUNDLE, GENERATOR_BUNDLE, JOBS_BUNDLE } from '@soci/functions';
import { DEFAULT_PREFIX, FUNCTION_KEYS, type FunctionKeys, hashedFunctionKeys } from './function-keys.ts';
import { jobsTemplate } from './jobs-template.ts';
import { PREFIX_PATTERN } from './parameters/resources.ts';
import { plainTemplate } from './plain-template.ts';

/** Files of a deployment: the templates and the zips of the functions. */
export interface DeploymentPackage {
  /** Contents by key in the bucket. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Key of the template of the builder. */
  readonly template: string;
  /** Content of {@link SCRIPT}, which is written next to the files and not uploaded. */
  readonly script: Uint8Array;
}

/** Options of {@link makePackage}. */
export interface PackageOptions {
  /** Key prefix, empty or with a slash at the end. @default 'cfn-ecr-aws-soci-index-builder/' */
  readonly prefix?: string;
  /** Whether the keys of the zips contain a hash of their contents. @default false */
  readonly hashNames?: boolean;
}

/** Key of the template of the builder after the prefix. */
export const TEMPLATE_KEY = 'templates/SociIndexBuilder.json';

/** Name of the script that uploads and deploys a written package. */
export const SCRIPT = 'deploy.sh';

/** Key of the template of the registry jobs after the prefix. */
export const JOBS_TEMPLATE_KEY = 'templates/SociRegistryJobs.json';

/**
 * Creates the plain templates and the zips that they refer to.
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
    script: readFileSync(new URL(`../${SCRIPT}`, import.meta.url)),
    files: new Map([
      [`${prefix}${keys.filter}`, readFileSync(FILTER_BUNDLE.zip)],
      [`${prefix}${keys.generator}`, readFileSync(GENERATOR_BUNDLE.zip)],
      [`${prefix}${keys.jobs}`, readFileSync(JOBS_BUNDLE.zip)],
      [`${prefix}${JOBS_TEMPLATE_KEY}`, textOf(jobsTemplate(keys))],
      [template, textOf(plainTemplate(keys))],
    ]),
  };
}

/** Returns a template without white space, because a request may contain at most 51,200 bytes of template. */
function textOf(template: object): Uint8Array {
  return Buffer.from(JSON.stringify(template));
}
