import { eventPattern } from '@soci/filter';
import { FILTER_BUNDLE, type FilterEnvironment, GENERATOR_BUNDLE, type GeneratorEnvironment } from '@soci/functions';
import { startTestEventBridge, startTestLambda, type TestEventBridge, type TestLambda } from '@soci/test-aws';
import type { TestRegistry } from '@soci/test-registry';
import { type EventTrace, FILTER, GENERATOR, RULE, traceEvents } from './event-trace.ts';

/**
 * Deploys the workflow like the stack, but to local emulators of AWS. The rule sends events to the filtering function,
 * which invokes the generator, which reads from and writes to the registry.
 */
export async function startWorkflow(registry: TestRegistry, settings: WorkflowSettings) {
  const [lambda, bus, { events }] = [await startTestLambda(), await startTestEventBridge(), registry];
  deploy(registry, lambda, bus, settings);
  let delivered = 0;
  let returned = 0;
  const deliver = () => {
    for (const event of events.slice(delivered)) bus.deliver(event);
    delivered = events.length;
  };
  /** Returns the traces of all events so far. */
  const traces = () => traceEvents(bus.events, lambda.invocations);
  return {
    traces,
    /**
     * Delivers waiting and new events of the registry to the bus until the functions are idle. The generator's own push
     * causes events too. Between calls, events wait, so that the traffic of each step can be measured separately.
     *
     * @param signal - Stops waiting.
     * @returns The traces of the events since the last call.
     */
    async run(signal: AbortSignal): Promise<readonly EventTrace[]> {
      const stopListening = registry.onEvent(deliver);
      deliver();
      try {
        for (let known = -1; known < bus.events.length; ) {
          known = bus.events.length;
          await Promise.race([lambda.idle(), rejectOnAbort(signal)]);
        }
      } finally {
        stopListening();
      }
      const newTraces = traces().slice(returned);
      returned += newTraces.length;
      return newTraces;
    },
    /** Delivers an event again, as EventBridge can: it delivers events at least once. */
    redeliver: ({ event }: EventTrace) => bus.deliver(event),
    /** Stops the functions and the bus. */
    async stop(): Promise<void> {
      await lambda.stop();
      await bus.stop();
    },
  };
}

/** Returns a promise that rejects with the signal's reason when it is aborted. */
function rejectOnAbort(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.throwIfAborted();
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

/** Settings of the deployment. */
export interface WorkflowSettings {
  /** Filters for the images to index. */
  readonly filters: string;
  /** Minimum size of a layer to index, in bytes. @default the default of the generator */
  readonly minLayerSize: number | undefined;
}

function deploy(
  registry: TestRegistry,
  lambda: TestLambda,
  bus: TestEventBridge,
  { filters, minLayerSize }: WorkflowSettings,
): void {
  const generator = lambda.createFunction({
    name: GENERATOR,
    folder: GENERATOR_BUNDLE.folder,
    handler: GENERATOR_BUNDLE.handler,
    // The maximum timeout of Lambda, and the memory size in MB for which it provides one full vCPU.
    timeout: 900,
    memorySize: 1769,
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
    timeout: 60,
    memorySize: 256,
    environment: {
      soci_repository_image_tag_filters: filters,
      soci_index_generator_lambda_arn: generator.arn,
      AWS_ENDPOINT_URL_LAMBDA: lambda.endpoint,
    } satisfies FilterEnvironment & Record<string, string>,
  });
  bus.putRule({ name: RULE, pattern: eventPattern(), target: (event) => void lambda.enqueue(FILTER, event) });
}
