import { decide, type EcrEvent, FilterError, parseEcrEvent } from '@soci/filter';
import type { FilterSettings } from '../environment/filter-settings.ts';
import { FunctionError } from '../errors.ts';
import type { AwsLocation, InvocationLog } from '../invocation.ts';

/** Maximum payload of an asynchronous invocation, in bytes. @see AWS Lambda Developer Guide, "Lambda quotas" */
const MAX_PAYLOAD = 1 << 20;

/** Response of the filter function. */
export interface FilterResponse {
  /** 200: the generator was invoked, or the image is ignored; 400: the event is invalid. */
  readonly statusCode: 200 | 400;
  /** Human-readable description. */
  readonly body: string;
}

/** Dependencies of the filter function. */
export interface FilterContext {
  readonly settings: FilterSettings;
  /** Account and Region of the function. Other events are ignored. */
  readonly location: AwsLocation;
  readonly log: InvocationLog;
  /** Invokes the generator with the JSON of an event. Returns the request id. */
  readonly invoke: (payload: string) => Promise<string>;
}

/**
 * Filters an event of Amazon ECR. If the image should be indexed, invokes the generator with the unchanged event.
 *
 * @throws FunctionError `INVOCATION_FAILED`. Lambda then retries, and finally uses the dead-letter queue.
 */
export async function filterEvent(
  input: unknown,
  { settings, location, log, invoke }: FilterContext,
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
  log.add({ repository: event.repository, tag: event.tag ?? '', digest: event.digest ?? '' });
  const decision = decide(event, settings.filters, { ...location, untagged: settings.untagged });
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
  if (size > MAX_PAYLOAD) {
    return respond(400, `Invalid event: it has ${size} bytes: the maximum is ${MAX_PAYLOAD}`, 'event-invalid');
  }
  try {
    const requestId = await invoke(payload);
    const body =
      `Successfully invoked SOCI index generator Lambda function because the given event contained the image ` +
      `"${decision.image}" with digest "${decision.digest}" which matched SOCI repository image tag filter ` +
      `"${decision.filter}". Lambda request id: "${requestId}"`;
    return respond(200, body, 'invoked');
  } catch (error) {
    if (error instanceof FunctionError) log.error(error.message, { outcome: 'invocation-failed', error });
    throw error;
  }
}
