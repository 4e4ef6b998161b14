import { eventPattern } from '@soci/filter';
import { FILTER_BUNDLE, type FilterEnvironment, GENERATOR_BUNDLE, type GeneratorEnvironment } from '@soci/functions';
import { startTestEventBridge, startTestLambda, type TestEventBridge, type TestLambda } from '@soci/test-aws';
import type { RegistryThread } from '../registry/registry-thread.ts';

/** Names of the parts, as they are deployed. */
export const RULE = 'ECRImageActionEventBridgeRule';
export const FILTER = 'ECRImageActionEventFilteringLambda';
export const GENERATOR = 'SociIndexGeneratorLambda';

/** Seconds that an invocation may take: Lambda's longest for the generator. */
const FILTER_TIMEOUT = 60;
const GENERATOR_TIMEOUT = 900;

/** Megabytes. With those of the generator Lambda gives a function one whole core. */
const FILTER_MEMORY = 256;
const GENERATOR_MEMORY = 1769;

/** What can be said about a deployment. */
export interface WorkflowSettings {
  /** Which images are indexed. */
  readonly filters: string;
  /** Layers of fewer bytes are left out; the generator's own default where it is undefined. */
  readonly minLayerSize: number | undefined;
}

/** What was deployed. */
export interface DeployedWorkflow {
  readonly lambda: TestLambda;
  readonly bus: TestEventBridge;
  /** Ends both. */
  stop(): Promise<void>;
}

/**
 * Deploys the workflow as the stack does, to stand-ins of AWS on this machine: the rule brings events to the filtering
 * function, which invokes the generator, which works on the registry.
 */
export async function deployWorkflow(
  registry: RegistryThread,
  { filters, minLayerSize }: WorkflowSettings,
): Promise<DeployedWorkflow> {
  const lambda = await startTestLambda();
  const bus = await startTestEventBridge();
  const generator = lambda.createFunction({
    name: GENERATOR,
    folder: GENERATOR_BUNDLE.folder,
    handler: GENERATOR_BUNDLE.handler,
    timeout: GENERATOR_TIMEOUT,
    memorySize: GENERATOR_MEMORY,
    environment: {
      soci_registry_host: registry.host,
      soci_event_bus: 'default',
      ...(minLayerSize !== undefined && { soci_min_layer_size: String(minLayerSize) }),
      AWS_ENDPOINT_URL_ECR: registry.awsEndpoint,
      AWS_ENDPOINT_URL_EVENTBRIDGE: bus.endpoint,
    } satisfies GeneratorEnvironment & Record<string, string>,
  });
  lambda.createFunction({
    name: FILTER,
    folder: FILTER_BUNDLE.folder,
    handler: FILTER_BUNDLE.handler,
    timeout: FILTER_TIMEOUT,
    memorySize: FILTER_MEMORY,
    environment: {
      soci_repository_image_tag_filters: filters,
      soci_index_generator_lambda_arn: generator.arn,
      AWS_ENDPOINT_URL_LAMBDA: lambda.endpoint,
    } satisfies FilterEnvironment & Record<string, string>,
  });
  bus.putRule({ name: RULE, pattern: eventPattern(), target: (event) => void lambda.enqueue(FILTER, event) });
  return {
    lambda,
    bus,
    async stop() {
      await lambda.stop();
      await bus.stop();
    },
  };
}
