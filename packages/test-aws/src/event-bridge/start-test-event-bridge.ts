import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isRecord, openLoopbackServer, parseJson, readBody, sendJson } from '../http.ts';
import { EventBus, type TestEventBridge, type TestEventBridgeOptions } from './event-bus.ts';
import { type BusPlace, EventsFailure, putEvents } from './put-events.ts';

/** Starts the default bus of an EventBridge on loopback, without rules yet. Stop it when you are done. */
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

/** Most bytes of a request: more than entries of the largest size need, with every character of theirs escaped. */
const MAX_REQUEST_SIZE = 8 * 1024 * 1024;

/** Answers a call of EventBridge's API. @see Smithy, "AWS JSON 1.1 protocol" */
async function handleEventsCall(
  bus: EventBus,
  place: BusPlace,
  message: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-requestid': randomUUID() };
  try {
    sendJson(response, 200, await answer(bus, place, message), headers);
  } catch (error) {
    if (!(error instanceof EventsFailure)) throw error;
    message.resume();
    sendJson(response, 400, { __type: error.type, message: error.message }, headers);
  }
}

async function answer(bus: EventBus, place: BusPlace, message: IncomingMessage): Promise<object> {
  const { authorization, 'x-amz-target': target } = message.headers;
  if (!authorization?.startsWith('AWS4-HMAC-SHA256 ')) {
    throw new EventsFailure('MissingAuthenticationTokenException', 'Missing Authentication Token');
  }
  if (message.method !== 'POST' || target !== 'AWSEvents.PutEvents') {
    throw new EventsFailure('UnknownOperationException', `no such call here: ${target}`);
  }
  const body = await readBody(message, MAX_REQUEST_SIZE);
  const input = 'bytes' in body ? parseJson(body.bytes.toString()) : undefined;
  if (!isRecord(input))
    throw new EventsFailure('SerializationException', 'the request is no JSON object, or too large');
  return putEvents(bus, place, input);
}
