import { eventPattern } from '@soci/filter';
import { FILTER_BUNDLE, type FilterEnvironment, GENERATOR_BUNDLE, type GeneratorEnvironment } from '@soci/functions';
import { startTestEventBridge, startTestLambda, type TestEventBridge, type TestLambda } from '@soci/test-aws';
import type { TestRegistry } from '@soci/test-registry';
import { type EventTrace, FILTER, GENERATOR, RULE, traceEvents } from './event-trace.ts';

/** The workflow on this machine: what the registry raises goes its way, and is told. */
export class Workflow {
  readonly #registry: TestRegistry;
  readonly #lambda: TestLambda;
  readonly #bus: TestEventBridge;
  #delivered = 0;
  #told = 0;

  private constructor(registry: TestRegistry, lambda: TestLambda, bus: TestEventBridge) {
    this.#registry = registry;
    this.#lambda = lambda;
    this.#bus = bus;
  }

  /**
   * Deploys the workflow as the stack does, to stand-ins of AWS on this machine: the rule brings events to the filtering
   * function, which invokes the generator, which works on the registry.
   */
  static async start(registry: TestRegistry, settings: WorkflowSettings): Promise<Workflow> {
    const [lambda, bus] = [await startTestLambda(), await startTestEventBridge()];
    deploy(registry, lambda, bus, settings);
    return new Workflow(registry, lambda, bus);
  }

  /**
   * Brings the registry's events to the bus, those that have waited and those that come, until the functions have nothing
   * left to do: what the generator pushes raises events too. Before and after that, events wait, so that what each step
   * asks of the registry can be told apart.
   *
   * @param signal - Ends the waiting.
   * @returns The events that have come since this was called last, and what became of each.
   */
  async run(signal: AbortSignal): Promise<readonly EventTrace[]> {
    const [lambda, bus, { events }] = [this.#lambda, this.#bus, this.#registry];
    const deliver = () => {
      for (const event of events.slice(this.#delivered)) bus.deliver(event);
      this.#delivered = events.length;
    };
    const stopListening = this.#registry.onEvent(deliver);
    deliver();
    try {
      for (let known = -1; known < bus.events.length; ) {
        known = bus.events.length;
        await Promise.race([lambda.idle(), aborted(signal)]);
      }
    } finally {
      stopListening();
    }
    const traces = this.traces().slice(this.#told);
    this.#told += traces.length;
    return traces;
  }

  /** Delivers an event once more: EventBridge promises at least once, no more than that. */
  redeliver({ event }: EventTrace): void {
    this.#bus.deliver(event);
  }

  /** All events so far, and what became of each. */
  traces(): readonly EventTrace[] {
    return traceEvents(this.#bus.events, this.#lambda.invocations);
  }

  /** Ends the functions and the bus. */
  async stop(): Promise<void> {
    await this.#lambda.stop();
    await this.#bus.stop();
  }
}

/** Rejects with the signal's reason when it fires. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.throwIfAborted();
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

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
}
