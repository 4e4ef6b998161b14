import type { FilterAnswer, GeneratorAnswer } from '@soci/functions';
import type { BusEvent, Invocation } from '@soci/test-aws';

/** Names of the parts, as they are deployed. */
export const RULE = 'ECRImageActionEventBridgeRule';
export const FILTER = 'ECRImageActionEventFilteringLambda';
export const GENERATOR = 'SociIndexGeneratorLambda';

/** A run of a function, and what it has answered; undefined where it has failed. */
export interface Run<Answer> {
  readonly invocation: Invocation;
  readonly answer: Answer | undefined;
}

/** An event, and what became of it. */
export interface EventTrace {
  readonly event: TellingEvent;
  /** The rules that let it through. */
  readonly rules: readonly string[];
  /** The runs of the filtering function with it, and of the generator; several where it failed and was tried again. */
  readonly filter: readonly Run<FilterAnswer>[];
  readonly generator: readonly Run<GeneratorAnswer>[];
}

/** What is told of an event: its fields are those of Amazon ECR, or of the generator's own. */
export interface TellingEvent {
  readonly id: string;
  readonly 'detail-type': string;
  readonly detail: Readonly<Record<string, unknown>>;
}

/**
 * Brings together what the bus and the functions know of each event. Events have an id, which the functions pass on; the
 * same event may come several times.
 */
export function traceEvents(events: readonly BusEvent[], invocations: readonly Invocation[]): EventTrace[] {
  const seen = new Map<string, number>();
  return events.map(({ event, rules }) => {
    const telling = event as TellingEvent;
    const time = seen.get(telling.id) ?? 0;
    seen.set(telling.id, time + 1);
    const runsOf = <Answer>(name: string): Run<Answer>[] => {
      const all = invocations.filter((run) => run.functionName === name && idOf(run) === telling.id);
      // All tries of one invocation have one id.
      const request = [...new Set(all.map(({ requestId }) => requestId))][time];
      return all
        .filter(({ requestId }) => requestId === request)
        .map((invocation) => ({ invocation, answer: answerOf<Answer>(invocation) }));
    };
    return { event: telling, rules, filter: runsOf(FILTER), generator: runsOf(GENERATOR) };
  });
}

function idOf({ payload }: Invocation): string {
  return (payload as TellingEvent).id;
}

function answerOf<Answer>({ outcome }: Invocation): Answer | undefined {
  return outcome.status === 'success' ? (outcome.result as Answer) : undefined;
}

/** Whether an event tells of what was done to the registry, and not of an index that is ready. */
export function isOfRegistry({ detail }: TellingEvent): boolean {
  return 'action-type' in detail;
}

/** The image of an event, as `repository:tag`; without a tag, its name only. */
export function imageOf({ detail }: TellingEvent): string {
  const { 'repository-name': repository, 'image-tag': tag, 'soci-image-tag': converted } = detail;
  const name = converted ?? tag;
  return name === undefined || name === '' ? String(repository) : `${String(repository)}:${String(name)}`;
}

/** Why a run of a function gave no answer. */
export function describeFailure({ outcome }: Invocation): string {
  switch (outcome.status) {
    case 'success':
      return '';
    case 'error':
      return `${outcome.errorType}: ${outcome.errorMessage}`;
    case 'timeout':
      return 'it took longer than it may, and was ended';
    case 'crash':
      return outcome.message;
  }
}
