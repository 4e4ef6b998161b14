import { countRead } from '@soci/cli/internal';
import type { GeneratorAnswer } from '@soci/functions';
import type { InventoryItem } from '../inventory.ts';
import type { Proof } from '../proof.ts';
import { type RegistryStep, stepAsJson } from '../repository-round.ts';
import type { EventTrace, Run } from '../workflow/event-trace.ts';

/** All that is known when an image has gone the whole way. */
export interface DemoResult {
  /** Where the image was and is, as locations are written. */
  readonly places: Readonly<Record<'source' | 'image' | 'converted' | 'kept', string>>;
  /** The generator's answer. */
  readonly answer: GeneratorAnswer;
  readonly proof: Proof;
  readonly steps: Readonly<Record<string, RegistryStep>>;
  readonly traces: readonly EventTrace[];
  readonly inventory: readonly InventoryItem[];
}

/** What `--json` prints. */
export function resultAsJson({ places, answer, proof, steps, traces, inventory }: DemoResult): object {
  return {
    ...places,
    ...answer,
    verified: { valid: proof.verification.outcome === 'valid', ...countRead(proof.verification) },
    steps: Object.fromEntries(Object.entries(steps).map(([name, step]) => [name, stepAsJson(step)])),
    events: traces.map(({ event, rules, filter, generator }) => ({
      event,
      rules,
      filter: filter.map(runAsJson),
      generator: generator.map(runAsJson),
    })),
    inventory,
    reading: proof.costs,
  };
}

function runAsJson({ invocation, answer }: Run<unknown>): object {
  const { requestId, attempt, outcome, initMilliseconds, milliseconds, maxMemory } = invocation;
  return {
    requestId,
    attempt,
    status: outcome.status,
    ...(answer !== undefined && { answer }),
    ...(initMilliseconds !== undefined && { initMilliseconds: Math.round(initMilliseconds) }),
    milliseconds: Math.round(milliseconds),
    ...(maxMemory !== undefined && { maxMemory }),
  };
}
