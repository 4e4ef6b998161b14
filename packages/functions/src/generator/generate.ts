import { checkEvent, type EcrEvent, FilterError, parseEcrEvent } from '@soci/filter';
import type { GeneratorSettings } from '../environment/generator-settings.ts';
import { FunctionError, messageOf } from '../errors.ts';
import type { AwsLocation, InvocationLog } from '../invocation.ts';
import type { Announced } from './announce.ts';
import type { OutcomeMetrics } from './metrics.ts';
import { failed, type Outcome, skipped } from './outcome.ts';
import { withDeadline } from './progress.ts';
import type { RegistryPool } from './registry-pool.ts';

/** Response of the generator. */
export type GeneratorResponse = Outcome & {
  /** 200: indexed or skipped; 400: the event is invalid; 422: the image cannot be indexed. */
  readonly statusCode: 200 | 400 | 422;
  /** Human-readable description of the outcome. */
  readonly body: string;
  /** Repository of the event. Absent if the event is invalid. */
  readonly repository?: string;
  readonly tag?: string;
  readonly digest?: string;
  /** Duration in seconds. */
  readonly seconds: number;
};

/** Dependencies of the generator. */
export interface GeneratorContext {
  readonly settings: GeneratorSettings;
  /** Account and Region of the function. Other events are ignored, except those of member accounts. */
  readonly location: AwsLocation;
  /** Remaining time of the invocation, in milliseconds. */
  readonly milliseconds: number;
  readonly log: InvocationLog;
  readonly metrics: OutcomeMetrics;
  /** Opens the registry clients. The first image loads their code. */
  readonly openRegistries: () => Promise<RegistryPool>;
  /** Sends an event for a new index or a permanent failure. Undefined if no event bus is configured. */
  readonly announce: ((event: EcrEvent, outcome: Announced) => Promise<void>) | undefined;
}

/**
 * Indexes the image of an event. Skipped images and permanent failures are returned as outcomes.
 *
 * @throws FunctionError `TRY_AGAIN` for a temporary error, which makes Lambda retry.
 */
export async function generate(input: unknown, context: GeneratorContext): Promise<GeneratorResponse> {
  const { log, metrics, announce } = context;
  const started = performance.now();
  const seconds = (): number => Number(((performance.now() - started) / 1000).toFixed(3));
  const { event, outcome } = await handlePush(input, context).catch((error: unknown) => {
    const message = messageOf(error);
    log.error(message, { outcome: 'try-again', seconds: seconds(), error });
    metrics.recordRetry();
    throw new FunctionError('TRY_AGAIN', message, { cause: error });
  });
  const body = describeOutcome(outcome);
  const level = outcome.outcome === 'failed' ? 'error' : 'info';
  log[level](body, { ...fieldsOf(outcome), seconds: seconds() });
  if (outcome.outcome === 'indexed') {
    for (const { message, ...warning } of outcome.warnings ?? []) log.warn(message, { ...warning });
  }
  metrics.record(outcome, seconds());
  if (event !== undefined && outcome.outcome !== 'skipped' && announce !== undefined) {
    // The outcome is final. If the event cannot be sent, a retry of the invocation is not necessary.
    await announce(event, outcome).catch((error: unknown) => log.error('the event was not sent', { error }));
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
  context: GeneratorContext,
): Promise<{ readonly event?: EcrEvent; readonly outcome: Outcome }> {
  const { settings, location, log, openRegistries, milliseconds } = context;
  let event: EcrEvent;
  try {
    event = parseEcrEvent(input, { kinds: settings.kinds });
  } catch (error) {
    if (!(error instanceof FilterError)) throw error;
    return { outcome: failed('event-invalid', error.message) };
  }
  log.add({ repository: event.repository, tag: event.tag ?? '', digest: event.digest ?? '' });
  // The filter function has already applied the filters.
  const checked = checkEvent(event, { ...location, memberAccounts: settings.memberAccounts });
  if (checked.outcome === 'ignore') return { event, outcome: skipped(checked.reason, checked.explanation) };
  const { digest } = checked;
  const { account, repository: name, tag } = event;
  const outcome = await withDeadline(milliseconds, async (signal, progress) => {
    // Loaded here, so that an event that is ignored costs little.
    const [registries, { indexDigest }] = await Promise.all([openRegistries(), import('./index-digest.ts')]);
    const repository = registries.open({ ...location, account }, name);
    const result = await indexDigest({ repository, digest, tag, settings, log, progress, signal });
    if (result.outcome !== 'skipped' || result.reason !== 'gone') return result;
    if (!(await registries.isArchived({ ...location, account }, name, digest, signal))) return result;
    return skipped('archived', 'the image is archived: restore it and invoke the function again, or push it again');
  });
  return { event, outcome };
}

function statusOf(outcome: Outcome): GeneratorResponse['statusCode'] {
  if (outcome.outcome !== 'failed') return 200;
  return outcome.reason === 'event-invalid' ? 400 : 422;
}

/** Returns the fields of an outcome for the log. */
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
      return `Successfully built and pushed SOCI index${named}: ${layers.built} layers read, ${layers.reused} reused, ${layers.skipped} skipped`;
    }
    case 'skipped':
      return `Skipped (${outcome.reason}): ${outcome.message}`;
    case 'failed':
      return outcome.reason === 'event-invalid'
        ? `ECRImageActionEvent validation error: ${outcome.message}`
        : `SOCI index build error (${outcome.reason}): ${outcome.message}`;
  }
}
