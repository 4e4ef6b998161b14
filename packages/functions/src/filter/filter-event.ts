import { decide, type EcrEvent, FilterError, parseEcrEvent } from '@soci/filter';
import type { FilterSettings } from '../environment/filter-settings.ts';
import { FunctionError } from '../errors.ts';
import type { AwsLocation, InvocationLog } from '../invocation.ts';

/**
 * Maximum size of an asynchronous invocation, and of a message in a queue, in bytes.
 *
 * @see AWS Lambda Developer Guide, "Lambda quotas"; Amazon SQS Developer Guide, "Amazon SQS message quotas"
 */
const MAX_SIZE = 1 << 20;

/** Response of the filter function. */
export interface FilterResponse {
  /** 200: the generator was invoked, the event was queued, or the image is ignored; 400: the event is invalid. */
  readonly statusCode: 200 | 400;
  /** Human-readable description. */
  readonly body: string;
}

/** Delivers events to the generator. */
export interface Delivery {
  /** `function`: invokes the generator asynchronously. `queue`: sends the event to the queue that the generator reads. */
  readonly to: 'function' | 'queue';
  /** Delivers the JSON of an event. Returns the request id of the invocation, or the message id. */
  readonly deliver: (event: string) => Promise<string>;
}

/** Dependencies of the filter function. */
export interface FilterContext {
  readonly settings: FilterSettings;
  /** Account and Region of the function. Other events are ignored, except those of member accounts. */
  readonly location: AwsLocation;
  readonly log: InvocationLog;
  readonly delivery: Delivery;
}

/**
 * Filters an event of Amazon ECR. If the image should be indexed, delivers the unchanged event to the generator.
 *
 * @throws FunctionError `INVOCATION_FAILED`, `SEND_FAILED`. Lambda then retries, and finally uses the dead-letter queue.
 */
export async function filterEvent(
  input: unknown,
  { settings, location, log, delivery }: FilterContext,
): Promise<FilterResponse> {
  const respond = (statusCode: FilterResponse['statusCode'], body: string, outcome: string): FilterResponse => {
    log[statusCode === 200 ? 'info' : 'warn'](body, { outcome });
    return { statusCode, body };
  };
  let event: EcrEvent;
  try {
    event = parseEcrEvent(input, { kinds: settings.kinds });
  } catch (error) {
    if (!(error instanceof FilterError)) throw error;
    return respond(400, `Invalid event: ${error.message}`, 'event-invalid');
  }
  const { memberAccounts, untagged } = settings;
  log.add({ repository: event.repository, tag: event.tag ?? '', digest: event.digest ?? '' });
  const decision = decide(event, settings.filters, { ...location, memberAccounts, untagged });
  const subject = `The given event contained the image "${decision.image}" with digest "${event.digest ?? ''}"`;
  if (decision.outcome === 'ignore') {
    const body =
      decision.reason === 'no-match'
        ? `${subject} which did not match any SOCI repository image tag filters`
        : `${subject} which is not indexed: ${decision.explanation}`;
    return respond(200, body, decision.reason);
  }
  const payload = JSON.stringify(input);
  const size = Buffer.byteLength(payload);
  if (size > MAX_SIZE) {
    return respond(400, `Invalid event: it has ${size} bytes: the maximum is ${MAX_SIZE}`, 'event-invalid');
  }
  try {
    const id = await delivery.deliver(payload);
    const { done, named, outcome } = DELIVERIES[delivery.to];
    const body =
      `Successfully ${done} because the given event contained the image ` +
      `"${decision.image}" with digest "${decision.digest}" which matched SOCI repository image tag filter ` +
      `"${decision.filter}". ${named}: "${id}"`;
    return respond(200, body, outcome);
  } catch (error) {
    if (error instanceof FunctionError) log.error(error.message, { outcome: DELIVERIES[delivery.to].failure, error });
    throw error;
  }
}

/** Words of the response and the log for each kind of delivery. */
const DELIVERIES = {
  function: {
    done: 'invoked SOCI index generator Lambda function',
    named: 'Lambda request id',
    outcome: 'invoked',
    failure: 'invocation-failed',
  },
  queue: {
    done: 'queued the event for the SOCI index generator',
    named: 'Message id',
    outcome: 'queued',
    failure: 'send-failed',
  },
} as const;
