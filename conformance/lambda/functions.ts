import type { TestFunctionOptions } from '@soci/test-aws';
import type { TestRegistry } from '@soci/test-registry';
import { FILTER_FOLDER, GENERATOR_FOLDER } from './bundle/unpacked.ts';
import type { Runtime } from './runtimes.ts';

/** Name and ARN of the generator. */
export const GENERATOR = 'generator';
/** ARN that is passed to the filtering function. */
export const GENERATOR_ARN = `arn:aws:lambda:us-east-1:123456789012:function:${GENERATOR}`;
/** Name of the filtering function. */
export const FILTER = 'filter';

/** Options of a function. */
export interface Deployment
  extends Omit<Partial<TestFunctionOptions>, 'folder' | 'handler' | 'node' | 'runtimeClient'> {
  /** Node flags. @default none */
  readonly flags?: readonly string[];
}

/** Deploys the filtering function. It invokes the function `generator` of the same Lambda. */
export function filterFunction(
  { program }: Runtime,
  lambda: { readonly endpoint: string },
  { environment, flags = [], ...rest }: Deployment = {},
): TestFunctionOptions {
  return {
    name: FILTER,
    folder: FILTER_FOLDER,
    timeout: 30,
    ...rest,
    runtimeClient: program(...flags),
    environment: {
      soci_repository_image_tag_filters: '*:*',
      soci_index_generator_lambda_arn: GENERATOR_ARN,
      AWS_ENDPOINT_URL_LAMBDA: lambda.endpoint,
      ...environment,
    },
  };
}

/** Deploys the generator. Indexes every layer by default, because golden layers are small. */
export function generatorFunction(
  { program }: Runtime,
  registry: Pick<TestRegistry, 'awsEndpoint' | 'host'>,
  { environment, flags = [], ...rest }: Deployment = {},
): TestFunctionOptions {
  return {
    name: GENERATOR,
    folder: GENERATOR_FOLDER,
    timeout: 120,
    memorySize: 1769,
    ...rest,
    runtimeClient: program(...flags),
    environment: {
      soci_registry_host: registry.host,
      AWS_ENDPOINT_URL_ECR: registry.awsEndpoint,
      soci_min_layer_size: '0',
      ...environment,
    },
  };
}
