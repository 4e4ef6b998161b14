import type { FilterResponse, GeneratorResponse } from '@soci/functions';
import type { Invocation, TestLambda } from '@soci/test-aws';
import type { TestRegistry, TestRegistryOptions } from '@soci/test-registry';
import { type Deployment, FILTER, filterFunction, GENERATOR, generatorFunction } from './functions.ts';
import { type Runtime, startEcr, startLambda } from './runtimes.ts';

/** An event of the registry. */
export type RegistryEvent = TestRegistry['events'][number];

/** A rule of EventBridge: gives those of the events that it lets through, in any order. */
export type Rule = (events: readonly RegistryEvent[]) => Promise<readonly object[]> | readonly object[];

/** How the workflow is set up. */
interface WorkflowOptions {
  readonly runtime: Runtime;
  /** @default lets everything through */
  readonly rule?: Rule;
  readonly registry?: TestRegistryOptions;
  readonly filter?: Deployment;
  readonly generator?: Deployment;
}

/** Registry, rule, filter and generator, for the test that runs: what is pushed is indexed. */
export class Workflow {
  readonly registry: TestRegistry;
  readonly lambda: TestLambda;
  readonly #rule: Rule;
  #handedOn = 0;

  private constructor(registry: TestRegistry, lambda: TestLambda, rule: Rule) {
    this.registry = registry;
    this.lambda = lambda;
    this.#rule = rule;
  }

  static async start({ runtime, rule = (events) => events, ...options }: WorkflowOptions): Promise<Workflow> {
    const registry = await startEcr(options.registry);
    const lambda = await startLambda();
    lambda.createFunction(filterFunction(runtime, lambda, options.filter));
    lambda.createFunction(generatorFunction(runtime, registry, options.generator));
    return new Workflow(registry, lambda, rule);
  }

  /** The registry's events that were not handed on, and now count as such. */
  takeEvents(): RegistryEvent[] {
    const events = this.registry.events.slice(this.#handedOn);
    this.#handedOn += events.length;
    return events;
  }

  /** Has the rule hand the registry's events to the filter, also those that the functions raise, until all is quiet. */
  async settle(): Promise<void> {
    do {
      for (const event of await this.#rule(this.takeEvents())) this.lambda.enqueue(FILTER, event);
      await this.lambda.idle();
    } while (this.#handedOn < this.registry.events.length);
  }

  /** What the filter said of each event that it got. */
  get filterAnswers(): FilterResponse[] {
    return this.#runs(FILTER).map((run) => resultOf<FilterResponse>(run));
  }

  /** What the generator said, each time that it was invoked. */
  get generatorAnswers(): GeneratorResponse[] {
    return this.#runs(GENERATOR).map((run) => resultOf<GeneratorResponse>(run));
  }

  #runs(name: string): Invocation[] {
    return this.lambda.invocations.filter(({ functionName }) => functionName === name);
  }
}

/** What a function returned. @throws Error with its log where it did not. */
export function resultOf<Result>({ functionName, outcome, log }: Invocation): Result {
  if (outcome.status === 'success') return outcome.result as Result;
  throw new Error(`${functionName}: ${JSON.stringify(outcome)}\n${log.join('\n')}`);
}
