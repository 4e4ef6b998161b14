import type { FilterResponse, GeneratorResponse } from '@soci/functions';
import type { BusEvent, Invocation } from '@soci/test-aws';

/** Names of the deployed rule and functions. */
export const RULE = 'ECRImageActionEventBridgeRule';
export const FILTER = 'ECRImageActionEventFilteringLambda';
export const GENERATOR = 'SociIndexGeneratorLambda';

/** An invocation of a function and its response, which is undefined if the invocation failed. */
export interface FunctionRun<Response> {
  readonly invocation: Invocation;
  readonly response: Response | undefined;
}

/** An event, the rules that matched it, and the invocations that it caused. */
export interface EventTrace {
  readonly event: WorkflowEvent;
  /** Names of the rules that matched. */
  readonly rules: readonly string[];
  /** Invocations of the filtering function: more than one if it failed and was retried. */
  readonly filter: readonly FunctionRun<FilterResponse>[];
  /** Invocations of the generator: more than one if it failed and was retried. */
  readonly generator: readonly FunctionRun<GeneratorResponse>[];
}

/** An event of Amazon ECR or of the generator. */
export interface WorkflowEvent {
  readonly id: string;
  readonly 'detail-type': string;
  readonly detail: Readonly<Record<string, unknown>>;
}

/**
 * Joins the events of the bus with the invocations of the functions, by the id of the event. The same event can be
 * delivered more than once.
 */
export function traceEvents(events: readonly BusEvent[], invocations: readonly Invocation[]): EventTrace[] {
  const seen = new Map<string, number>();
  return events.map(({ event, rules }) => {
    const workflowEvent = event as WorkflowEvent;
    const delivery = seen.get(workflowEvent.id) ?? 0;
    seen.set(workflowEvent.id, delivery + 1);
    const runsOf = <Response>(name: string): FunctionRun<Response>[] => {
      const all = invocations.filter((run) => run.functionName === name && eventIdOf(run) === workflowEvent.id);
      // Retries of an invocation have the same request id.
      const request = [...new Set(all.map(({ requestId }) => requestId))][delivery];
      return all
        .filter(({ requestId }) => requestId === request)
        .map((invocation) => ({ invocation, response: responseOf<Response>(invocation) }));
    };
    return { event: workflowEvent, rules, filter: runsOf(FILTER), generator: runsOf(GENERATOR) };
  });
}

function eventIdOf({ payload }: Invocation): string {
  return (payload as WorkflowEvent).id;
}

function responseOf<Response>({ outcome }: Invocation): Response | undefined {
  return outcome.status === 'success' ? (outcome.result as Response) : undefined;
}

/** Reports whether an event comes from the registry, and not from the generator. */
export function isRegistryEvent({ detail }: WorkflowEvent): boolean {
  return 'action-type' in detail;
}

/** Returns the image of an event as `repository:tag`, or as `repository` if it has no tag. */
export function imageOf({ detail }: WorkflowEvent): string {
  const { 'repository-name': repository, 'image-tag': tag, 'soci-image-tag': converted } = detail;
  const name = converted ?? tag;
  return name === undefined || name === '' ? String(repository) : `${String(repository)}:${String(name)}`;
}

/** Returns why an invocation has no response. */
export function describeFailure({ outcome }: Invocation): string {
  switch (outcome.status) {
    case 'success':
      return '';
    case 'error':
      return `${outcome.errorType}: ${outcome.errorMessage}`;
    case 'timeout':
      return 'the function timed out';
    case 'crash':
      return outcome.message;
  }
}
