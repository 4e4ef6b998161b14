import type { RegistryThread } from '../registry/registry-thread.ts';
import { type DeployedWorkflow, deployWorkflow, type WorkflowSettings } from './deploy-workflow.ts';
import { type EventStory, tellStories } from './event-story.ts';

/** The workflow on this machine: what the registry raises goes its way, and is told. */
export class Workflow {
  readonly #registry: RegistryThread;
  readonly #deployed: DeployedWorkflow;
  #told = 0;

  private constructor(registry: RegistryThread, deployed: DeployedWorkflow) {
    this.#registry = registry;
    this.#deployed = deployed;
  }

  static async start(registry: RegistryThread, settings: WorkflowSettings): Promise<Workflow> {
    return new Workflow(registry, await deployWorkflow(registry, settings));
  }

  /**
   * Brings the registry's events to the bus, those that have waited and those that come, until the functions have nothing
   * left to do: what the generator pushes raises events too. Before and after that, events wait, so that what each step
   * asks of the registry can be told apart.
   *
   * @param signal - Ends the waiting.
   * @returns The events that have come since this was called last, and what became of each.
   */
  async run(signal: AbortSignal): Promise<readonly EventStory[]> {
    const { lambda, bus } = this.#deployed;
    this.#registry.listener = (event) => bus.deliver(event);
    try {
      for (let known = -1; known < bus.events.length; ) {
        known = bus.events.length;
        await Promise.race([lambda.idle(), aborted(signal)]);
        await this.#registry.traffic();
      }
    } finally {
      this.#registry.listener = undefined;
    }
    const stories = this.stories().slice(this.#told);
    this.#told += stories.length;
    return stories;
  }

  /** Delivers an event once more: EventBridge promises at least once, no more than that. */
  redeliver({ event }: EventStory): void {
    this.#deployed.bus.deliver(event);
  }

  /** All events so far, and what became of each. */
  stories(): readonly EventStory[] {
    const { lambda, bus } = this.#deployed;
    return tellStories(bus.events, lambda.invocations);
  }

  /** Ends the functions and the bus. */
  stop(): Promise<void> {
    return this.#deployed.stop();
  }
}

/** Rejects with the signal's reason when it fires. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.throwIfAborted();
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
