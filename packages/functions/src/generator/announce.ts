// Imported dynamically, because most functions have no event bus and do not need this client.
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import type { EcrEvent } from '@soci/filter';
import { SDK_TIMEOUTS } from '../invocation.ts';
import type { Indexed } from './outcome.ts';

/** `source` of the events. The prefix `aws.` is reserved. */
const EVENT_SOURCE = 'soci-index-builder';
/** `detail-type` of the events. */
const EVENT_DETAIL_TYPE = 'SOCI Index Ready';

let client: EventBridgeClient | undefined;

/**
 * Sends `SOCI Index Ready` to an event bus.
 *
 * @param bus - Name or ARN of the event bus.
 * @throws An error of the AWS SDK, or an `Error` with the reason if EventBridge rejects the event.
 */
export async function announceIndex(bus: string, event: EcrEvent, indexed: Indexed): Promise<void> {
  client ??= new EventBridgeClient({ requestHandler: SDK_TIMEOUTS });
  const entry = {
    EventBusName: bus,
    Source: EVENT_SOURCE,
    DetailType: EVENT_DETAIL_TYPE,
    Detail: JSON.stringify(detailOf(event, indexed)),
  };
  const { Entries = [] } = await client.send(new PutEventsCommand({ Entries: [entry] }));
  const [{ ErrorCode, ErrorMessage } = {}] = Entries;
  if (ErrorCode !== undefined) throw new Error(`${bus} rejected the event: ${ErrorCode}: ${ErrorMessage ?? ''}`);
}

/** Returns the detail of the event, with the field names of Amazon ECR events. */
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
