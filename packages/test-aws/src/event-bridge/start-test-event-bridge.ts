import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isRecord, openLoopbackServer, parseJson, readBody, sendJson } from '../http.ts';
import { EventBus, type TestEventBridge, type TestEventBridgeOptions } from './event-bus.ts';
import { type BusLocation, EventBridgeError, putEvents } from './put-events.ts';

/** Starts an EventBridge with the default bus on loopback. Call `stop` at the end. */
export async function startTestEventBridge(options: TestEventBridgeOptions = {}): Promise<TestEventBridge> {
  const { account = '123456789012', region = 'us-east-1' } = options;
  const bus = new EventBus();
  const server = await openLoopbackServer((...call) => handleEventsCall(bus, { account, region }, ...call));
  return {
    endpoint: `http://${server.host}`,
    events: bus.events,
    putRule: (rule) => bus.putRule(rule),
    deliver: (event) => bus.deliver(event),
    stop: () => server.close(),
  };
}

/** Maximum size of a request, in bytes. It exceeds the maximum size of entries with all characters escaped. */
const MAX_REQUEST_SIZE = 8 * 1024 * 1024;

/** Handles a call of the EventBridge API. @see Smithy, "AWS JSON 1.1 protocol" */
async function handleEventsCall(
  bus: EventBus,
  location: BusLocation,
  message: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-requestid': randomUUID() };
  try {
    sendJson(response, 200, await respond(bus, location, message), headers);
  } catch (error) {
    if (!(error instanceof EventBridgeError)) throw error;
    message.resume();
    sendJson(response, 400, { __type: error.type, message: error.message }, headers);
  }
}

async function respond(bus: EventBus, location: BusLocation, message: IncomingMessage): Promise<object> {
  const { authorization, 'x-amz-target': target } = message.headers;
  if (!authorization?.startsWith('AWS4-HMAC-SHA256 ')) {
    throw new EventBridgeError('MissingAuthenticationTokenException', 'Missing Authentication Token');
  }
  if (message.method !== 'POST' || target !== 'AWSEvents.PutEvents') {
    throw new EventBridgeError('UnknownOperationException', `unsupported operation: ${target}`);
  }
  const body = await readBody(message, MAX_REQUEST_SIZE);
  const input = 'bytes' in body ? parseJson(body.bytes.toString()) : undefined;
  if (!isRecord(input))
    throw new EventBridgeError('SerializationException', 'the request is not a JSON object or is too large');
  return putEvents(bus, location, input);
}
