import type { FilterResponse, GeneratorResponse } from '@soci/functions';
import type { Invocation, TestLambda } from '@soci/test-aws';
import type { TestRegistry, TestRegistryOptions } from '@soci/test-registry';
import { type Deployment, FILTER, filterFunction, GENERATOR, generatorFunction } from './functions.ts';
import { type Runtime, startEcr, startLambda } from './runtimes.ts';

/** An event of the registry. */
export type RegistryEvent = TestRegistry['events'][number];

/** An EventBridge rule. Returns the events that it matches, in any order. */
export type Rule = (events: readonly RegistryEvent[]) => Promise<readonly object[]> | readonly object[];

/** Options of a workflow. */
interface WorkflowOptions {
  readonly runtime: Runtime;
  /** @default matches every event */
  readonly rule?: Rule;
  readonly registry?: TestRegistryOptions;
  readonly filter?: Deployment;
  readonly generator?: Deployment;
}

/** Starts registry, rule, filter and generator for the current test. They index pushed images. */
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

  /** Returns the registry events since the last call. */
  takeEvents(): RegistryEvent[] {
    const events = this.registry.events.slice(this.#handedOn);
    this.#handedOn += events.length;
    return events;
  }

  /**
   * Passes the events of the registry through the rule to the filter until there are no more. Includes events of the
   * functions.
   */
  async settle(): Promise<void> {
    do {
      for (const event of await this.#rule(this.takeEvents())) this.lambda.enqueue(FILTER, event);
      await this.lambda.idle();
    } while (this.#handedOn < this.registry.events.length);
  }

  /** Results of the filter, in the order of its events. */
  get filterAnswers(): FilterResponse[] {
    return this.#runs(FILTER).map((run) => resultOf<FilterResponse>(run));
  }

  /** Results of the generator, in the order of its invocations. */
  get generatorAnswers(): GeneratorResponse[] {
    return this.#runs(GENERATOR).map((run) => resultOf<GeneratorResponse>(run));
  }

  #runs(name: string): Invocation[] {
    return this.lambda.invocations.filter(({ functionName }) => functionName === name);
  }
}

/** Returns the result of an invocation. @throws Error with the log if it failed. */
export function resultOf<Result>({ functionName, outcome, log }: Invocation): Result {
  if (outcome.status === 'success') return outcome.result as Result;
  throw new Error(`${functionName}: ${JSON.stringify(outcome)}\n${log.join('\n')}`);
}
