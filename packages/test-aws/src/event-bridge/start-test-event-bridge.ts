import { openLoopbackServer } from '../http/loopback-server.ts';
import { EventBus } from './event-bus.ts';
import { handleEventsCall } from './events-api.ts';
import type { TestEventBridge, TestEventBridgeOptions } from './test-event-bridge.ts';

/** Starts the default bus of an EventBridge on loopback, without rules yet. Stop it when you are done. */
export async function startTestEventBridge(options: TestEventBridgeOptions = {}): Promise<TestEventBridge> {
  const { account = '123456789012', region = 'us-east-1' } = options;
  const bus = new EventBus();
  const server = await openLoopbackServer((message, response) =>
    handleEventsCall(bus, { account, region }, message, response),
  );
  return {
    endpoint: `http://${server.host}`,
    events: bus.events,
    putRule: (rule) => bus.putRule(rule),
    deliver: (event) => bus.deliver(event),
    stop: () => server.close(),
  };
}
