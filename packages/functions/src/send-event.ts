// Imported dynamically, because most functions have no event bus and do not need this client.
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { SDK_TIMEOUTS } from './sdk-timeouts.ts';

/** `source` of the events. The prefix `aws.` is reserved. */
const EVENT_SOURCE = 'soci-index-builder';

let client: EventBridgeClient | undefined;

/**
 * Sends an event to an event bus.
 *
 * @param bus - Name or ARN of the event bus.
 * @throws An error of the AWS SDK, or an `Error` with the reason if EventBridge rejects the event.
 */
export async function sendEvent(bus: string, detailType: string, detail: object): Promise<void> {
  client ??= new EventBridgeClient({ requestHandler: SDK_TIMEOUTS });
  const entry = {
    EventBusName: bus,
    Source: EVENT_SOURCE,
    DetailType: detailType,
    Detail: JSON.stringify(detail),
  };
  const { Entries = [] } = await client.send(new PutEventsCommand({ Entries: [entry] }));
  const [{ ErrorCode, ErrorMessage } = {}] = Entries;
  if (ErrorCode !== undefined) throw new Error(`${bus} rejected the event: ${ErrorCode}: ${ErrorMessage ?? ''}`);
}
