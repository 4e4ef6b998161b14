import { readGeneratorSettings } from '../environment/generator-settings.ts';
import { messageOf } from '../errors.ts';
import { type LambdaContext, locationOf, openLog } from '../invocation.ts';
import { announcementOf } from './announce.ts';
import type { GeneratorDescription } from './describe-settings.ts';
import { type GeneratorContext, type GeneratorResponse, generate } from './generate.ts';
import { openMetrics } from './metrics.ts';
import { type QueueMessage, readQueueMessage } from './queue-message.ts';
import type { RegistryPool } from './registry-pool.ts';
import { asksForSettings } from './settings-request.ts';

// Created once for each execution environment: invalid settings fail at start, and connections and tokens are reused.
const settings = readGeneratorSettings(process.env);
const log = openLog('soci-index-generator');
const metrics = openMetrics('soci-index-generator');
let registries: Promise<RegistryPool> | undefined;
const { eventBus, queueUrl } = settings;
const announce: GeneratorContext['announce'] =
  eventBus === undefined
    ? undefined
    : async (event, outcome) => {
        const { sendEvent } = await import('../send-event.ts');
        const { type, detail } = announcementOf(event, outcome);
        await sendEvent(eventBus, type, detail);
      };

/**
 * Lambda handler for events of Amazon ECR, from the filter function or from a queue. If it throws, Lambda retries the event, or
 * Amazon SQS delivers the message again. Also answers the request of a state machine for the settings.
 */
export async function handler(
  input: unknown,
  context: LambdaContext,
): Promise<GeneratorResponse | GeneratorDescription> {
  log.begin(context);
  if (asksForSettings(input)) return (await import('./describe-settings.ts')).describeSettings(settings);
  const milliseconds = context.getRemainingTimeInMillis();
  const message = readMessage(input);
  if (message !== undefined) log.add({ messageId: message.messageId, receiveCount: message.receiveCount });
  const event = message === undefined ? input : message.event;
  try {
    return await generate(event, {
      settings,
      location: locationOf(context),
      milliseconds,
      log,
      metrics,
      openRegistries,
      announce,
    });
  } catch (error) {
    if (message !== undefined && queueUrl !== undefined) await retrySoon(queueUrl, message);
    throw error;
  }
}

function openRegistries(): Promise<RegistryPool> {
  registries ??= import('./registry-pool.ts').then(({ RegistryPool }) => new RegistryPool(settings, log));
  return registries;
}

function readMessage(input: unknown): QueueMessage | undefined {
  try {
    return readQueueMessage(input);
  } catch (error) {
    log.error(messageOf(error), { outcome: 'batch-refused', error });
    throw error;
  }
}

/** Sets the delay of the next attempt. If this fails, the message waits for the visibility timeout instead. */
async function retrySoon(url: string, message: QueueMessage): Promise<void> {
  try {
    const { retryMessage } = await import('./retry-message.ts');
    await retryMessage(url, message);
  } catch (error) {
    log.warn('the delay of the next attempt was not set', { error });
  }
}
