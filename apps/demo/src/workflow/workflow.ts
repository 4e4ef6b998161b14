import { eventPattern } from '@soci/filter';
import { FILTER_BUNDLE, type FilterEnvironment, GENERATOR_BUNDLE, type GeneratorEnvironment } from '@soci/functions';
import { startTestEventBridge, startTestLambda, type TestEventBridge, type TestLambda } from '@soci/test-aws';
import type { TestRegistry } from '@soci/test-registry';
import { type EventTrace, FILTER, GENERATOR, RULE, traceEvents } from './event-trace.ts';

/**
 * Deploys the workflow as the stack does, to stand-ins of AWS on this machine: the rule brings events to the filtering
 * function, which invokes the generator, which works on the registry.
 */
export async function startWorkflow(registry: TestRegistry, settings: WorkflowSettings) {
  const [lambda, bus, { events }] = [await startTestLambda(), await startTestEventBridge(), registry];
  deploy(registry, lambda, bus, settings);
  let delivered = 0;
  let told = 0;
  const deliver = () => {
    for (const event of events.slice(delivered)) bus.deliver(event);
    delivered = events.length;
  };
  /** All events so far, and what became of each. */
  const traces = () => traceEvents(bus.events, lambda.invocations);
  return {
    traces,
    /**
     * Brings the registry's events to the bus, those that have waited and those that come, until the functions have
     * nothing left to do: what the generator pushes raises events too. Before and after that, events wait, so that what
     * each step asks of the registry can be told apart.
     *
     * @param signal - Ends the waiting.
     * @returns The events that have come since this was called last, and what became of each.
     */
    async run(signal: AbortSignal): Promise<readonly EventTrace[]> {
      const stopListening = registry.onEvent(deliver);
      deliver();
      try {
        for (let known = -1; known < bus.events.length; ) {
          known = bus.events.length;
          await Promise.race([lambda.idle(), aborted(signal)]);
        }
      } finally {
        stopListening();
      }
      const fresh = traces().slice(told);
      told += fresh.length;
      return fresh;
    },
    /** Delivers an event once more: EventBridge promises at least once, no more than that. */
    redeliver: ({ event }: EventTrace) => bus.deliver(event),
    /** Ends the functions and the bus. */
    async stop(): Promise<void> {
      await lambda.stop();
      await bus.stop();
    },
  };
}

/** Rejects with the signal's reason when it fires. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.throwIfAborted();
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

/** What can be said about a deployment. */
export interface WorkflowSettings {
  /** Which images are indexed. */
  readonly filters: string;
  /** Layers of fewer bytes are left out; the generator's own default where it is undefined. */
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
    // Lambda's longest, and so many megabytes as it gives one whole core for.
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
