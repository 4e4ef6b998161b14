import { checkEvent, type EcrEvent, FilterError, parseEcrEvent } from '@soci/filter';
import type { GeneratorSettings } from '../environment/generator-settings.ts';
import { FunctionError, messageOf } from '../errors.ts';
import type { AwsLocation, InvocationLog } from '../invocation.ts';
import { indexDigest } from './index-digest.ts';
import type { OutcomeMetrics } from './metrics.ts';
import { failed, type Indexed, type Outcome, skipped } from './outcome.ts';
import { withDeadline } from './progress.ts';
import type { RegistryPool } from './registry-pool.ts';

/** What the generator returns. */
export type GeneratorAnswer = Outcome & {
  /** 200: indexed, or nothing to do; 400: the event is none that is taken; 422: the image gets no index. */
  readonly statusCode: 200 | 400 | 422;
  /** What came of it, for people. */
  readonly body: string;
  /** Of the event; absent where it is none. */
  readonly repository?: string;
  readonly tag?: string;
  readonly digest?: string;
  /** Wall time, in seconds. */
  readonly seconds: number;
};

/** What the generator works with. */
export interface GeneratorParts {
  readonly settings: GeneratorSettings;
  /** Account and Region of the function: events from elsewhere are ignored. */
  readonly location: AwsLocation;
  /** Milliseconds that Lambda has left for the invocation. */
  readonly milliseconds: number;
  readonly log: InvocationLog;
  readonly metrics: OutcomeMetrics;
  readonly registries: RegistryPool;
  /** Announces an index; undefined if no event bus is configured. */
  readonly announce: ((event: EcrEvent, indexed: Indexed) => Promise<void>) | undefined;
}

/**
 * Indexes the image of an event. What will not work, however often it is tried, is an answer like any other; so is that
 * there is nothing to do.
 *
 * @throws FunctionError `TRY_AGAIN` for what may succeed when Lambda tries again.
 */
export async function generate(input: unknown, parts: GeneratorParts): Promise<GeneratorAnswer> {
  const { log, metrics, announce } = parts;
  const started = performance.now();
  const seconds = (): number => Number(((performance.now() - started) / 1000).toFixed(3));
  const { event, outcome } = await handlePush(input, parts).catch((error: unknown) => {
    const message = messageOf(error);
    log.error(message, { outcome: 'try-again', seconds: seconds(), error });
    metrics.recordRetry();
    throw new FunctionError('TRY_AGAIN', message, { cause: error });
  });
  const body = describeOutcome(outcome);
  const level = outcome.outcome === 'failed' ? 'error' : 'info';
  log[level](body, { ...fieldsOf(outcome), seconds: seconds() });
  metrics.record(outcome, seconds());
  if (event !== undefined && outcome.outcome === 'indexed' && announce !== undefined) {
    // The index is there: an event that is not sent is no reason to make it again.
    await announce(event, outcome).catch((error: unknown) => log.error('SOCI Index Ready was not sent', { error }));
  }
  return {
    statusCode: statusOf(outcome),
    body,
    ...(event && {
      repository: event.repository,
      ...(event.tag !== undefined && { tag: event.tag }),
      ...(event.digest !== undefined && { digest: event.digest }),
    }),
    ...outcome,
    seconds: seconds(),
  };
}

async function handlePush(
  input: unknown,
  parts: GeneratorParts,
): Promise<{ readonly event?: EcrEvent; readonly outcome: Outcome }> {
  const { settings, location, log, registries, milliseconds } = parts;
  let event: EcrEvent;
  try {
    event = parseEcrEvent(input, { kinds: settings.kinds });
  } catch (error) {
    if (!(error instanceof FilterError)) throw error;
    return { outcome: failed('event-invalid', error.message) };
  }
  log.add({ repository: event.repository, tag: event.tag ?? '', digest: event.digest ?? '' });
  // The filtering function has decided which images are indexed.
  const checked = checkEvent(event, location);
  if (checked.outcome === 'ignore') return { event, outcome: skipped(checked.reason, checked.explanation) };
  const { digest } = checked;
  const { repository: name, tag } = event;
  const outcome = await withDeadline(milliseconds, async (signal, progress) => {
    const repository = registries.open(location, name);
    return indexDigest({ repository, digest, tag, settings, log, progress, signal });
  });
  return { event, outcome };
}

function statusOf(outcome: Outcome): GeneratorAnswer['statusCode'] {
  if (outcome.outcome !== 'failed') return 200;
  return outcome.reason === 'event-invalid' ? 400 : 422;
}

/** An outcome as a line of the log has it. */
function fieldsOf(outcome: Outcome): Readonly<Record<string, unknown>> {
  if (outcome.outcome !== 'indexed') return { outcome: outcome.outcome, reason: outcome.reason };
  const { root, indexes, ...rest } = outcome;
  return { ...rest, ...(root && { root: root.digest }), indexes: indexes.map(({ digest }) => digest) };
}

function describeOutcome(outcome: Outcome): string {
  switch (outcome.outcome) {
    case 'indexed': {
      const { layers, outputTag } = outcome;
      const named = outputTag === undefined ? '' : ` as ${outputTag}`;
      return `Successfully built and pushed SOCI index${named}: ${layers.built} layers read, ${layers.reused} taken over, ${layers.skipped} left out`;
    }
    case 'skipped':
      return `Skipped (${outcome.reason}): ${outcome.message}`;
    case 'failed':
      return outcome.reason === 'event-invalid'
        ? `ECRImageActionEvent validation error: ${outcome.message}`
        : `SOCI index build error (${outcome.reason}): ${outcome.message}`;
  }
}
