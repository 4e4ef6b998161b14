import type { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import type { EcrEvent } from '@soci/filter';
import type { Indexed } from './outcome.ts';

/** Tells an event bus of an index that is ready. */
export type AnnounceIndex = (event: EcrEvent, indexed: Indexed) => Promise<void>;

/** `source` of the events: what other rules match. AWS keeps `aws.` for itself. */
export const EVENT_SOURCE = 'soci-index-builder';
/** `detail-type` of the events. */
export const EVENT_DETAIL_TYPE = 'SOCI Index Ready';

const CONNECT_TIMEOUT = 3000;
const ANSWER_TIMEOUT = 10_000;

/**
 * Makes what sends `SOCI Index Ready`; undefined where nobody is to be told. The AWS SDK is loaded with the first event. What
 * it makes throws what the SDK does, or an `Error` with EventBridge's own refusal.
 *
 * @param bus - Name or ARN of the event bus.
 */
export function indexAnnouncer(bus: string | undefined): AnnounceIndex | undefined {
  if (bus === undefined) return undefined;
  let client: EventBridgeClient | undefined;
  return async (event, indexed) => {
    const { EventBridgeClient, PutEventsCommand } = await import('./event-bridge-sdk.ts');
    client ??= new EventBridgeClient({
      requestHandler: {
        connectionTimeout: CONNECT_TIMEOUT,
        requestTimeout: ANSWER_TIMEOUT,
        throwOnRequestTimeout: true,
      },
    });
    const entry = {
      EventBusName: bus,
      Source: EVENT_SOURCE,
      DetailType: EVENT_DETAIL_TYPE,
      Detail: JSON.stringify(detailOf(event, indexed)),
    };
    const { Entries = [] } = await client.send(new PutEventsCommand({ Entries: [entry] }));
    const [{ ErrorCode, ErrorMessage } = {}] = Entries;
    if (ErrorCode !== undefined) throw new Error(`${bus} does not take the event: ${ErrorCode}: ${ErrorMessage ?? ''}`);
  };
}

/** What the event says, in the words of Amazon ECR's own events. */
function detailOf({ account, region, repository, tag, digest }: EcrEvent, indexed: Indexed): object {
  return {
    'registry-id': account,
    region,
    'repository-name': repository,
    ...(tag !== undefined && { 'image-tag': tag }),
    'image-digest': digest,
    'soci-index-version': `V${indexed.version}`,
    ...(indexed.outputTag !== undefined && { 'soci-image-tag': indexed.outputTag }),
    ...(indexed.root && { 'soci-image-digest': indexed.root.digest }),
    'soci-index-digests': indexed.indexes.map(({ digest: each }) => each),
  };
}
